//! The operator's verbs agree: the Makefile, the commands behind it, and the pages that people read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::harness::repository;

/// What operating a stage takes, by the design.
const NEEDED: [&str; 11] =
    ["backup", "config", "deploy", "logs", "migrate", "restore", "rollback", "rotate", "smoke", "status", "version"];

/// A target of the Makefile.
struct Target {
    description: String,
    prerequisites: String,
    recipe: String,
}

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each target that calls a command of `infra/wardgate_infra/operate`.
fn verbs() -> BTreeMap<String, Target> {
    let mut targets: BTreeMap<String, Target> = BTreeMap::new();
    let mut current = String::new();
    for line in text("Makefile").lines() {
        if let Some(recipe) = line.strip_prefix('\t') {
            if let Some(target) = targets.get_mut(&current) {
                target.recipe += recipe;
                target.recipe.push('\n');
            }
        } else if let Some((name, rest)) = line.split_once(": ")
            && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
        {
            let (prerequisites, description) = rest.split_once("## ").unwrap_or((rest, ""));
            name.clone_into(&mut current);
            let (description, prerequisites) = (description.to_owned(), prerequisites.to_owned());
            targets.insert(name.to_owned(), Target { description, prerequisites, recipe: String::new() });
        }
    }
    targets.retain(|_, target| target.recipe.contains("$(operate) "));
    targets
}

/// Of two recipes for one target, make takes the last and only warns: checks went missing that way.
#[test]
fn each_target_of_the_makefile_stands_once() {
    let makefile = text("Makefile");
    let named: Vec<_> = makefile.lines().filter(|line| !line.starts_with(['\t', '#', '.', ' '])).collect();
    let targets = named.iter().filter_map(|line| line.split_once(':')).filter(|(_, rest)| !rest.starts_with('='));
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = targets.map(|(target, _)| target).filter(|target| !seen.insert(*target)).collect();
    assert_eq!(twice, [""; 0]);
    assert!(seen.contains("validate"), "the targets were not read");
    let loose: Vec<_> = makefile.lines().collect();
    let glued = loose.windows(2).filter(|pair| pair[1].starts_with(".PHONY") && pair[0].starts_with('\t'));
    assert_eq!(glued.map(|pair| pair[1]).collect::<Vec<_>>(), [""; 0], "no empty line before these");
}

#[test]
fn each_verb_of_the_design_is_built() {
    let built: BTreeSet<_> = verbs().into_keys().collect();
    let missing: Vec<_> = NEEDED.into_iter().filter(|verb| !built.contains(*verb)).collect();
    assert_eq!(missing, [""; 0]);
}

/// `make` prints the descriptions.
#[test]
fn make_lists_each_verb_with_its_stage_and_asks_for_it() {
    let makefile = text("Makefile");
    for (name, target) in verbs() {
        assert!(target.description.contains(&format!("make {name} STAGE=")), "`make` does not say how to type {name}");
        assert!(target.recipe.contains("$(need-stage)"), "{name} goes on without a stage");
        assert!(target.recipe.contains(&format!("$(operate) {name} --stage \"$(STAGE)\"")), "{}", target.recipe);
        assert!(target.prerequisites.contains(".tools/sam/.pins"), "{name} does not install what it needs");
        assert!(makefile.contains(&format!("\n.PHONY: {name}\n")), "a file named {name} would hide the verb");
    }
}

#[test]
fn the_verbs_of_make_are_those_of_the_commands() {
    let main = text("infra/wardgate_infra/operate/__main__.py");
    let listed = main.split_once("VERBS = {").unwrap().1.split_once("\n}").unwrap().0;
    let listed: BTreeSet<_> = listed.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect();
    assert_eq!(listed, verbs().into_keys().collect());
    for name in listed {
        let module = text(&format!("infra/wardgate_infra/operate/{}.py", name.replace('-', "_")));
        assert!(module.contains("\ndef arguments(") && module.contains("\ndef run("), "{name} is no command");
    }
}

/// `make test-deploy` types what stands there.
#[test]
fn each_verb_is_on_the_page_of_commands_with_what_it_printed() {
    let page = text("docs/operations/commands.md");
    for name in verbs().into_keys() {
        assert!(page.contains(&format!("\n## {name}\n")), "commands.md has no section {name}");
        assert!(page.contains(&format!("\n$ make {name} STAGE=")), "commands.md does not type {name}");
    }
}

/// A page that says `make xyz` must not be the first to know of it.
#[test]
fn what_the_pages_of_operations_type_is_a_target() {
    let makefile = text("Makefile");
    let mut found = 0;
    for entry in fs::read_dir(repository("docs/operations")).unwrap() {
        let path = entry.unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        for typed in page.split("`make ").skip(1) {
            let name = typed.split([' ', '`', '\n']).next().unwrap();
            assert!(makefile.contains(&format!("\n.PHONY: {name}\n")), "{}: there is no make {name}", path.display());
            found += 1;
        }
    }
    assert!(found > 10, "only {found} commands were found");
}

//! The operator's verbs agree: the Makefile, the commands behind it, and the pages that people read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::harness::repository;

/// What operating a stage takes, by the design.
const NEEDED: [&str; 12] = [
    "backup", "config", "deploy", "destroy", "logs", "migrate", "restore", "rollback", "rotate", "smoke", "status",
    "version",
];

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

/// The targets that the Makefile defines, each as often as it does. What lies in a folder is a file, and what has `:=` or
/// ` = ` a variable.
fn targets(makefile: &str) -> Vec<&str> {
    let is_name = |word: &str| word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
    let rules =
        makefile.lines().filter(|line| !line.starts_with(['\t', '#', ' '])).filter_map(|line| line.split_once(':'));
    let rules = rules.filter(|(_, rest)| !rest.split("##").next().unwrap_or_default().contains('='));
    let targets = rules.map(|(targets, _)| targets).filter(|targets| targets.split_whitespace().all(is_name));
    targets.flat_map(str::split_whitespace).collect()
}

/// Of two recipes for one target, make takes the last and only warns: checks went missing that way.
#[test]
fn each_target_of_the_makefile_stands_once() {
    let makefile = text("Makefile");
    let targets = targets(&makefile);
    assert!(targets.contains(&"validate") && targets.len() > 40, "the targets were not read: {targets:?}");
    assert_eq!(twice(&targets), [""; 0]);
    let loose: Vec<_> = makefile.lines().collect();
    let glued = loose.windows(2).filter(|pair| pair[1].starts_with(".PHONY") && pair[0].starts_with('\t'));
    assert_eq!(glued.map(|pair| pair[1]).collect::<Vec<_>>(), [""; 0], "no empty line before these");
}

#[test]
fn each_target_of_the_makefile_is_phony_once() {
    let makefile = text("Makefile");
    let phony = makefile.lines().filter_map(|line| line.strip_prefix(".PHONY:"));
    let phony: Vec<&str> = phony.flat_map(str::split_whitespace).collect();
    assert_eq!(twice(&phony), [""; 0]);
    let (phony, targets) = (BTreeSet::from_iter(phony), BTreeSet::from_iter(targets(&makefile)));
    assert_eq!(phony, targets, "left: phony, right: defined");
}

/// As `make help` finds them.
#[test]
fn each_verb_of_the_help_is_listed_once_and_says_what_it_does() {
    let makefile = text("Makefile");
    let is_verb = |name: &str| !name.is_empty() && name.chars().all(|it| it.is_ascii_lowercase() || it == '-');
    let lines = makefile.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| is_verb(name));
    let listed: Vec<(&str, &str)> = lines.filter_map(|(name, rest)| Some((name, rest.split_once("## ")?.1))).collect();
    assert!(listed.len() > 40, "{}", listed.len());
    assert_eq!(twice(&listed.iter().map(|(name, _)| *name).collect::<Vec<_>>()), [""; 0]);
    assert_eq!(twice(&listed.iter().map(|(_, description)| *description).collect::<Vec<_>>()), [""; 0]);
}

fn twice<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.iter().copied().filter(|name| !seen.insert(*name)).collect()
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

"""Our rules for manifests: both stages keep them, and each of many mistakes is found."""

import copy
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from wardgate_infra import ROOT, Json
from wardgate_infra.kubernetes import __main__ as validation
from wardgate_infra.kubernetes import rules

POD = ("Deployment", "spec", "template", "spec")
SERVER = (*POD, "containers", 0)
ROLL = ("Deployment", "spec", "strategy", "rollingUpdate")
SCALE = ("HorizontalPodAutoscaler", "spec")
POLICY = ("NetworkPolicy", "spec")
JOB = ("Job", "spec")
ONCE = (*JOB, "template", "spec", "containers", 0)
GONE = object()

# Where a manifest is changed, to what, and what the rules then say.
MISTAKES: list[tuple[tuple[str | int, ...], object, str]] = [
    ((*POD, "securityContext", "runAsNonRoot"), False, "as root"),
    ((*POD, "securityContext", "runAsUser"), 0, "user and group"),
    ((*POD, "securityContext", "runAsGroup"), GONE, "user and group"),
    ((*POD, "securityContext", "fsGroup"), GONE, "mounted keys"),
    ((*JOB, "template", "spec", "securityContext", "runAsUser"), 0, "wardgate-migration is not user and group"),
    ((*JOB, "template", "spec", "volumes", 0, "secret", "defaultMode"), 0o444, "others than wardgate-migration"),
    ((*JOB, "template", "spec", "restartPolicy"), "OnFailure", "tried again"),
    ((*JOB, "backoffLimit"), 3, "tried again"),
    ((*ONCE, "image"), "wardgate-server:0.1.0", "by digest"),
    ((*ONCE, "image"), f"other@sha256:{'b' * 64}", "not one release"),
    ((*ONCE, "args"), ["export"], "nothing migrates"),
    ((*ONCE, "command"), GONE, "nothing migrates"),
    ((*ONCE, "envFrom"), [], "another envFrom"),
    ((*ONCE, "resources", "limits"), GONE, "cpu of wardgate-migration"),
    ((*ONCE, "securityContext", "capabilities"), GONE, "wardgate-migration has capabilities"),
    (("Job",), GONE, "nothing migrates"),
    ((*POD, "securityContext", "seccompProfile"), {"type": "Unconfined"}, "seccomp"),
    ((*SERVER, "securityContext", "allowPrivilegeEscalation"), True, "gain rights"),
    ((*SERVER, "securityContext", "privileged"), True, "gain rights"),
    ((*SERVER, "securityContext", "capabilities"), {"drop": ["NET_RAW"]}, "capabilities"),
    ((*SERVER, "securityContext", "capabilities", "add"), ["NET_BIND_SERVICE"], "capabilities"),
    ((*SERVER, "securityContext", "readOnlyRootFilesystem"), GONE, "write to its image"),
    ((*POD, "hostNetwork"), True, "its node's"),
    ((*POD, "volumes"), [{"name": "keys", "hostPath": {"path": "/"}}], "folder of its node"),
    ((*POD, "automountServiceAccountToken"), GONE, "token of the API"),
    ((*SERVER, "image"), "wardgate-server:latest", "by digest"),
    ((*SERVER, "image"), "wardgate-server:0.1.0", "by digest"),
    ((*SERVER, "resources", "limits"), GONE, "cpu"),
    ((*SERVER, "resources", "requests", "memory"), "2Gi", "memory"),
    ((*SERVER, "resources", "limits", "memory"), "128Mi", "in flight"),
    ((*SERVER, "ports", 0, "containerPort"), 80, "ports are"),
    ((*SERVER, "ports"), [{"name": "http", "containerPort": 8080}], "ports are"),
    ((*SERVER, "livenessProbe", "httpGet", "path"), "/ready", "livenessProbe"),
    ((*SERVER, "readinessProbe", "httpGet", "port"), "http", "readinessProbe"),
    ((*SERVER, "readinessProbe", "failureThreshold"), 3, "notice is over"),
    ((*SERVER, "startupProbe", "failureThreshold"), 3, "waited for its store"),
    ((*SERVER, "startupProbe"), GONE, "startupProbe"),
    ((*POD, "terminationGracePeriodSeconds"), 20, "killed before"),
    ((*SERVER, "lifecycle"), {"preStop": {"exec": {"command": ["sleep", "5"]}}}, "hook"),
    ((*SERVER, "env", 0, "name"), "AUTH__SECRETS__FOLDR", "no key of the configuration"),
    ((*SERVER, "env", 0), {"name": "X", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}, "secret into"),
    ((*SERVER, "env", 0), {"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}, "does not expire"),
    ((*SERVER, "envFrom", 0, "configMapRef", "name"), "wardgate", "which there is not"),
    ((*SERVER, "volumeMounts", 0, "readOnly"), False, "for reading alone"),
    ((*SERVER, "volumeMounts", 0, "mountPath"), "/keys", "no keys are mounted"),
    ((*POD, "volumes", 0, "secret", "defaultMode"), 0o444, "others than wardgate and"),
    ((*POD, "volumes", 0, "secret", "defaultMode"), GONE, "others than wardgate and"),
    ((*ROLL, "maxUnavailable"), 1, "takes a pod away"),
    ((*ROLL, "maxSurge"), 0, "no pod more"),
    (("Deployment", "spec", "strategy"), {"type": "Recreate"}, "takes a pod away"),
    (("Deployment", "spec", "replicas"), 3, "what the autoscaler says"),
    (("Deployment", "spec", "revisionHistoryLimit"), 0, "no revision"),
    ((*SCALE, "scaleTargetRef", "name"), "other", "target does not exist"),
    ((*SCALE, "minReplicas"), 1, "two at least"),
    ((*SCALE, "maxReplicas"), 1, "two at least"),
    (("PodDisruptionBudget", "spec", "maxUnavailable"), 0, "no node can be drained"),
    (("Service", "spec", "selector"), {"app.kubernetes.io/name": "wardgate"}, "Service selects"),
    (("Service", "spec", "selector", "app.kubernetes.io/name"), "other", "Service selects"),
    (("Service", "spec", "type"), "LoadBalancer", "without the ingress"),
    (("Service", "spec", "ports", 0, "targetPort"), "ops", "elsewhere than to http"),
    (("Ingress", "spec", "tls"), GONE, "without TLS"),
    (("Ingress", "spec", "tls", 0, "hosts", 0), "other.example.com", "without TLS"),
    (("Ingress", "spec", "rules", 0, "host"), "other.example.com", "people ask"),
    ((*POLICY, "policyTypes"), ["Ingress"], "a direction open"),
    ((*POLICY, "ingress", 0, "from"), GONE, "whoever wants"),
    ((*POLICY, "egress", 0, "to"), GONE, "whatever they want"),
    ((*POLICY, "egress", 1, "to", 0, "ipBlock", "except"), GONE, "metadata"),
    (("NetworkPolicy",), GONE, "there is no NetworkPolicy"),
    (("PodDisruptionBudget",), GONE, "there is no PodDisruptionBudget"),
    (("Namespace", "metadata", "labels", "pod-security.kubernetes.io/enforce"), "baseline", "restricted"),
    (("ServiceAccount", "metadata", "namespace"), "default", "no namespace of its stage"),
]


def documents(stage: str) -> list[Json]:
    return list(yaml.safe_load_all(validation.rendered(stage)))


def with_backups(folder: Path, recipient: str) -> list[Json]:
    """Staging as docs/operations/standalone.md has backups added."""
    kubernetes = folder / "kubernetes"
    shutil.copytree(validation.FOLDER, kubernetes)
    file = kubernetes / "staging/kustomization.yaml"
    text = file.read_text(encoding="utf-8")
    page = (ROOT / "docs/operations/standalone.md").read_text(encoding="utf-8")
    [patch] = re.findall(r"^```yaml\n(  - target:\n      kind: CronJob\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    text = text.replace("../components/monitoring]", "../components/monitoring, ../components/backup]")
    file.write_text(text + patch.replace("age1…", recipient), encoding="utf-8")
    rendered = validation.called(validation.TOOLS / "kubectl", "kustomize", kubernetes / "staging")
    return list(yaml.safe_load_all(rendered))


def changed(given: list[Json], path: tuple[str | int, ...], value: object) -> list[Json]:
    """A copy with one field another, or gone."""
    copied = copy.deepcopy(given)
    kind, *steps = path
    named = ("wardgate", "wardgate-production", "wardgate-migration", "wardgate-backup")
    document = next(it for it in copied if it["kind"] == kind and it["metadata"]["name"] in named)
    if not steps:
        copied.remove(document)
        return copied
    *way, last = steps
    for step in way:
        document = document[step]
    if value is GONE:
        del document[last]
    else:
        document[last] = value
    return copied


class Manifests(unittest.TestCase):
    def test_sa_17_both_stages_keep_every_rule(self) -> None:
        for stage in validation.STAGES:
            self.assertEqual(rules.broken(documents(stage)), [], stage)

    def test_sa_17_each_mistake_is_found(self) -> None:
        production = documents("production")
        for path, value, said in MISTAKES:
            with self.subTest(path=path, value=value):
                self.assertIn(said, "\n".join(rules.broken(changed(production, path, value))))

    def test_sa_17_backups_are_encrypted_for_somebody_and_confined(self) -> None:
        for recipient, said in (("age1" + "q" * 58, []), ("said-by-the-stage", ["encrypted for nobody"])):
            with self.subTest(recipient), tempfile.TemporaryDirectory() as name:
                found = rules.broken(with_backups(Path(name), recipient))
                self.assertEqual(len(found), len(said), found)
                self.assertTrue(all(it in "\n".join(found) for it in said), found)
        with tempfile.TemporaryDirectory() as name:
            backed_up = with_backups(Path(name), "age1" + "q" * 58)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump_all(backed_up, file)
            file.flush()
            for version in validation.VERSIONS:
                tool = validation.TOOLS / "kubernetes-validate"
                validation.called(tool, "--strict", "--kubernetes-version", version, file.name)
        once = ("CronJob", "spec", "jobTemplate", "spec", "template", "spec", "containers", 0)
        wrong: list[tuple[str, object, str]] = [
            ("args", ["export", "/backup"], "encrypted for nobody"),
            ("volumeMounts", [], "nowhere to write"),
            ("securityContext", GONE, "wardgate-backup"),
        ]
        for field, value, told in wrong:
            with self.subTest(field):
                self.assertIn(told, "\n".join(rules.broken(changed(backed_up, (*once, field), value))))

    def test_sa_17_components_keep_every_rule_and_mistakes_in_them_are_found(self) -> None:
        mistakes: dict[str, list[tuple[tuple[str | int, ...], object, str]]] = {
            "gateway-api": [
                (("HTTPRoute", "spec", "parentRefs", 0, "sectionName"), GONE, "listener https"),
                (("HTTPRoute", "spec", "hostnames", 0), "other.example.com", "people ask"),
                (("HTTPRoute", "spec", "rules", 0, "backendRefs", 0, "name"), "other", "elsewhere than to the service"),
                (("HTTPRoute",), GONE, "no Ingress"),
            ],
            "blue-green": [
                (("Service", "spec", "selector", rules.COLOUR), GONE, "both colours"),
                (("Deployment", "spec", "selector", "matchLabels", rules.COLOUR), "green", "its own"),
                (("Deployment", "spec", "minReadySeconds"), 1, "not as blue is"),
                (("Deployment", "spec", "template", "spec", "containers", 0, "env"), [], "not as blue is"),
            ],
        }
        for component, wrong in mistakes.items():
            with tempfile.TemporaryDirectory() as name:
                found: list[Json] = list(yaml.safe_load_all(validation.varied("production", component, Path(name))))
            self.assertEqual(rules.broken(found), [], component)
            for path, value, said in wrong:
                with self.subTest(component, path=path):
                    self.assertIn(said, "\n".join(rules.broken(changed(found, path, value))))
            switched = changed(found, ("Service", "spec", "selector", rules.COLOUR), "green")
            self.assertEqual(rules.broken(switched), [] if component == "blue-green" else rules.broken(switched))

    def test_sa_17_a_secret_s_data_and_an_open_default_are_found(self) -> None:
        production = documents("production")
        where = {"name": "keys", "namespace": "wardgate-production"}
        secret = {"kind": "Secret", "metadata": where, "stringData": {"signing": "x"}}
        self.assertIn("in a file of the repository", "\n".join(rules.broken([*production, secret])))
        without = [it for it in production if it["metadata"]["name"] != "default-deny"]
        self.assertIn("denied by default", "\n".join(rules.broken(without)))
        opened = copy.deepcopy(production)
        next(it for it in opened if it["metadata"]["name"] == "default-deny")["spec"]["ingress"] = [{}]
        self.assertIn("denied by default", "\n".join(rules.broken(opened)))

    def test_sa_17_the_schemas_find_a_misspelt_field(self) -> None:
        text = validation.rendered("staging").replace("revisionHistoryLimit", "revisionHistoryLimits")
        misspelt = ROOT / "target/misspelt.yaml"
        misspelt.parent.mkdir(exist_ok=True)
        misspelt.write_text(text, encoding="utf-8")
        tool = validation.TOOLS / "kubernetes-validate"
        for version in validation.VERSIONS:
            asked: list[str | Path] = [tool, "--strict", "--kubernetes-version", version, misspelt]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0, version)

    def test_sa_15_nothing_is_called_latest(self) -> None:
        files = [ROOT / "Dockerfile", *(it for it in (ROOT / "infra/kubernetes").rglob("*") if it.is_file())]
        compose = ROOT / "compose.yaml"
        for file in [*files, *([compose] if compose.exists() else [])]:
            self.assertNotIn(":latest", file.read_text(encoding="utf-8"), file)

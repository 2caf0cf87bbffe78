"""Our own rules for manifests (SA-17): what schemas and linters do not know of this server."""

import copy
import re
from collections.abc import Iterator

from wardgate_infra import Json
from wardgate_infra.kubernetes import facts

SELECTED = {"app.kubernetes.io/name": "wardgate", "app.kubernetes.io/component": "server"}
# What 256 requests in flight, most of which hash, need.
LEAST_MEMORY = 256 * 2**20
# One may go at any time.
LEAST_REPLICAS = 2
# An X25519 public key of age.
RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")
# The other of two colours.
GREEN, COLOUR = "wardgate-green", "wardgate.example.com/colour"
UNITS = {"m": 0.001, "": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def amount(said: object) -> float:
    """A quantity of the API's: 250m, 1, 512Mi."""
    found = re.fullmatch(r"([\d.]+)(m|Ki|Mi|Gi|)", str(said))
    return float(found[1]) * UNITS[found[2]] if found else 0


def only(documents: list[Json], kind: str, name: str = "wardgate") -> Json:
    """The one document of a kind and name, or nothing that has any field."""
    return next((it for it in documents if it["kind"] == kind and it["metadata"]["name"] == name), {})


def at(document: Json, *path: str | int) -> Json:
    """A field, or nothing where a part of the way is missing."""
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def pod(documents: list[Json]) -> Json:
    return at(only(documents, "Deployment"), "spec", "template", "spec") or {}


def server(documents: list[Json]) -> Json:
    return at(pod(documents), "containers", 0) or {}


def workloads(documents: list[Json]) -> Iterator[tuple[str, Json, Json]]:
    """Whatever runs, by its name: what a pod of it is, and its container."""
    templates = {"Deployment": ("spec",), "Job": ("spec",), "CronJob": ("spec", "jobTemplate", "spec")}
    for document in documents:
        if document["kind"] in templates:
            spec = at(document, *templates[document["kind"]], "template", "spec") or {}
            yield document["metadata"]["name"], spec, at(spec, "containers", 0) or {}


def everything_is_there(documents: list[Json]) -> Iterator[str]:
    way_in = "HTTPRoute" if only(documents, "HTTPRoute") else "Ingress"
    kinds = ("ServiceAccount", "Deployment", "Service", way_in, "PodDisruptionBudget")
    for kind in (*kinds, "HorizontalPodAutoscaler", "NetworkPolicy"):
        if not only(documents, kind):
            yield f"there is no {kind} wardgate"
    spaces = [it["metadata"] for it in documents if it["kind"] == "Namespace"]
    if [at(it, "labels", "pod-security.kubernetes.io/enforce") for it in spaces] != ["restricted"]:
        yield "the namespace does not enforce pod security restricted"
    for it in documents:
        if it["kind"] == "Secret" and (it.get("data") or it.get("stringData")):
            yield f"Secret {it['metadata']['name']} has its data in a file of the repository"
        if it["kind"] != "Namespace" and at(it, "metadata", "namespace") not in {at(space, "name") for space in spaces}:
            yield f"{it['kind']} {it['metadata']['name']} is in no namespace of its stage"


def pods_are_nobody(documents: list[Json]) -> Iterator[str]:
    for name, spec, container in workloads(documents):
        whole, own = spec.get("securityContext") or {}, container.get("securityContext") or {}
        if whole.get("runAsNonRoot") is not True or own.get("runAsNonRoot") is False:
            yield f"a pod of {name} may run as root"
        if whole.get("runAsUser") != facts.USER or whole.get("runAsGroup") != facts.USER:
            yield f"a pod of {name} is not user and group {facts.USER}, the image's"
        if whole.get("fsGroup") != facts.USER:
            yield f"the mounted keys are not the group's of {name}"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"a pod of {name} gets a token of the API server's"
        modes = [at(it, "secret", "defaultMode") for it in spec.get("volumes", []) if "secret" in it]
        if any(mode is None or mode & 0o337 for mode in modes):
            yield f"others than {name} and its group may read the keys"


def containers_are_confined(documents: list[Json]) -> Iterator[str]:
    for name, spec, container in workloads(documents):
        own = container.get("securityContext") or {}
        if at(spec, "securityContext", "seccompProfile", "type") != "RuntimeDefault":
            yield f"seccomp of {name} is not the runtime's"
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            yield f"a container of {name} may gain rights"
        if at(own, "capabilities", "drop") != ["ALL"] or at(own, "capabilities", "add"):
            yield f"a container of {name} has capabilities"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"a container of {name} may write to its image"
        if spec.get("hostNetwork") or spec.get("hostPID") or spec.get("hostIPC"):
            yield f"a pod of {name} shares what is its node's"
        if any("hostPath" in it for it in spec.get("volumes", [])):
            yield f"a pod of {name} mounts a folder of its node"


def images_do_not_change(documents: list[Json]) -> Iterator[str]:
    named = {name: container.get("image", "") for name, _, container in workloads(documents)}
    for image in sorted(set(named.values())):
        if not re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", image):
            yield f"image {image} is not by digest"
    # The other colour is another release.
    images = {image for name, image in named.items() if name != GREEN}
    if len(images) > 1:
        yield f"not one release: {', '.join(sorted(images))}"


def resources_are_said(documents: list[Json]) -> Iterator[str]:
    for name, _, container in workloads(documents):
        said = container.get("resources") or {}
        for kind in ("cpu", "memory"):
            asked, most = amount(at(said, "requests", kind)), amount(at(said, "limits", kind))
            if not 0 < asked <= most:
                yield f"{kind} of {name}: {asked:g} asked for, {most:g} at most"
    said = server(documents).get("resources") or {}
    if 0 < amount(at(said, "limits", "memory")) < LEAST_MEMORY:
        yield "memory is limited below what 256 requests in flight need"


def ports_and_probes_are_the_server_s(documents: list[Json]) -> Iterator[str]:
    container = server(documents)
    ports = {it.get("name"): it.get("containerPort") for it in container.get("ports", [])}
    if ports != facts.PORTS:
        yield f"ports are {ports}, the server's {facts.PORTS}"
    for kind, path in (("startupProbe", "/ready"), ("readinessProbe", "/ready"), ("livenessProbe", "/live")):
        asked = at(container, kind, "httpGet") or {}
        if (asked.get("path"), asked.get("port")) != (path, "ops"):
            yield f"{kind} asks {asked.get('path')} at {asked.get('port')}, not {path} at ops"
    startup = container.get("startupProbe") or {}
    if startup.get("periodSeconds", 10) * startup.get("failureThreshold", 3) <= facts.STARTS:
        yield "a start is ended before it has waited for its store"
    ready = container.get("readinessProbe") or {}
    takes = ready.get("periodSeconds", 10) * ready.get("failureThreshold", 3)
    if takes >= facts.CONFIGURATION["http"]["notice_ms"] / 1000:
        yield f"a pod that stops is noticed after {takes} s, when its notice is over"
    if (pod(documents).get("terminationGracePeriodSeconds") or 30) < facts.STOPS:
        yield f"a pod is killed before a stop of {facts.STOPS:g} s is over"
    if container.get("lifecycle"):
        yield "a hook: nothing in the image could run it"


def variables_are_known(documents: list[Json]) -> Iterator[str]:
    container = server(documents)
    given = {it["name"]: it for it in container.get("env", [])}
    for it in container.get("envFrom", []):
        named = at(it, "configMapRef", "name") or "?"
        found = only(documents, "ConfigMap", named)
        if not found:
            yield f"variables are those of {named}, which there is not"
        given |= {key: {"value": value} for key, value in (found.get("data") or {}).items()}
    for name, it in given.items():
        if name.startswith("AUTH__") and name not in facts.KNOWN:
            yield f"{name} is no key of the configuration"
        if at(it, "valueFrom", "secretKeyRef"):
            yield f"{name} puts a secret into the environment"
        if name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
            yield f"{name} is a key that does not expire"
    host = at(only(documents, "Ingress"), "spec", "rules", 0, "host")
    host = host or at(only(documents, "HTTPRoute"), "spec", "hostnames", 0)
    if at(given, "AUTH__TOKENS__ISSUER", "value") != f"https://{host}":
        yield f"tokens are issued by {at(given, 'AUTH__TOKENS__ISSUER', 'value')}, and people ask https://{host}"
    mounted = {it.get("mountPath"): it for it in container.get("volumeMounts", [])}
    folder = at(given, "AUTH__SECRETS__FOLDER", "value")
    if folder and not at(mounted, folder, "readOnly"):
        yield f"no keys are mounted at {folder}, for reading alone"


def rollouts_lose_nobody(documents: list[Json]) -> Iterator[str]:
    spec = only(documents, "Deployment").get("spec") or {}
    strategy = spec.get("strategy") or {}
    if strategy.get("type") != "RollingUpdate" or at(strategy, "rollingUpdate", "maxUnavailable") != 0:
        yield "a rollout takes a pod away before another one is there"
    if not at(strategy, "rollingUpdate", "maxSurge"):
        yield "a rollout may start no pod more than there are"
    if "replicas" in spec:
        yield "an apply would undo what the autoscaler says"
    if (spec.get("revisionHistoryLimit") or 0) < 1:
        yield "there is no revision to go back to"
    scaled = only(documents, "HorizontalPodAutoscaler").get("spec") or {}
    if (at(scaled, "scaleTargetRef", "kind"), at(scaled, "scaleTargetRef", "name")) != ("Deployment", "wardgate"):
        yield "the autoscaler's target does not exist"
    least, most = scaled.get("minReplicas") or 1, scaled.get("maxReplicas") or 0
    if not LEAST_REPLICAS <= least <= most:
        yield f"from {least} to {most} replicas: two at least"
    budget = only(documents, "PodDisruptionBudget").get("spec") or {}
    if budget.get("maxUnavailable") != 1 and not 0 < (budget.get("minAvailable") or 0) < least:
        yield "no node can be drained, or all pods go at once"


def data_is_migrated_before(documents: list[Json]) -> Iterator[str]:
    job = only(documents, "Job", "wardgate-migration")
    container = at(job, "spec", "template", "spec", "containers", 0) or {}
    if (container.get("command"), container.get("args")) != (["/wardgate-operate"], ["migrate"]):
        yield "nothing migrates the data before a release"
    if at(job, "spec", "backoffLimit") != 0 or at(job, "spec", "template", "spec", "restartPolicy") != "Never":
        yield "a migration that fails is tried again before anybody has looked"
    for field in ("envFrom", "env"):
        if container.get(field) != server(documents).get(field):
            yield f"the migration has another {field} than the server"


def backups_are_encrypted(documents: list[Json]) -> Iterator[str]:
    for job in (it for it in documents if it["kind"] == "CronJob"):
        container = at(job, "spec", "jobTemplate", "spec", "template", "spec", "containers", 0) or {}
        words = container.get("args", [])
        named = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--recipient"]
        if not named or not all(RECIPIENT.fullmatch(it) for it in named):
            yield f"{job['metadata']['name']} is encrypted for nobody: --recipient wants an age public key"
        if "/backup" not in {it.get("mountPath") for it in container.get("volumeMounts", [])}:
            yield f"{job['metadata']['name']} has nowhere to write"


def selectors_match(documents: list[Json]) -> Iterator[str]:
    deployments = [it for it in documents if it["kind"] == "Deployment"]
    colours = [at(it, "spec", "template", "metadata", "labels") or {} for it in deployments]
    asked = {
        "Deployment": ("spec", "selector", "matchLabels"),
        "Service": ("spec", "selector"),
        "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
        "NetworkPolicy": ("spec", "podSelector", "matchLabels"),
        "PodMonitor": ("spec", "selector", "matchLabels"),
    }
    for kind, path in asked.items():
        found = only(documents, kind)
        selector = at(found, *path) or {}
        selects = any(selector.items() <= labels.items() for labels in colours)
        if found and not (SELECTED.items() <= selector.items() and selects):
            yield f"{kind} selects {selector}, which are not the server's pods alone"


def colours_are_alike(documents: list[Json]) -> Iterator[str]:
    green, blue = only(documents, "Deployment", GREEN), only(documents, "Deployment")
    if not green:
        return
    colours = [at(it, "spec", "selector", "matchLabels", COLOUR) for it in (blue, green)]
    if colours != ["blue", "green"]:
        yield f"the Deployments have the colours {colours}: each would take the other's pods for its own"
    if at(only(documents, "Service"), "spec", "selector", COLOUR) not in colours:
        yield "the service sends people to both colours"

    def without(document: Json) -> Json:
        copied = copy.deepcopy(document["spec"])
        copied["selector"]["matchLabels"].pop(COLOUR, None)
        copied["template"]["metadata"]["labels"].pop(COLOUR, None)
        copied["template"]["spec"]["containers"][0].pop("image", None)
        return copied

    if without(blue) != without(green):
        yield "green is not as blue is, but for colour and image"
    if at(only(documents, "HorizontalPodAutoscaler", GREEN), "spec", "scaleTargetRef", "name") != GREEN:
        yield "nothing scales green"


def people_come_in_by_tls_alone(documents: list[Json]) -> Iterator[str]:
    service = only(documents, "Service").get("spec") or {}
    if service.get("type", "ClusterIP") != "ClusterIP":
        yield "the service is open without the ingress"
    if [it.get("targetPort") for it in service.get("ports", [])] != ["http"]:
        yield "the service leads elsewhere than to http"
    if route := only(documents, "HTTPRoute"):
        listeners = {it.get("sectionName") for it in at(route, "spec", "parentRefs") or []}
        if listeners != {"https"} or only(documents, "Ingress"):
            yield "people may come in by another way than the Gateway's listener https"
        to = [at(it, "backendRefs", 0, "name") for it in at(route, "spec", "rules") or []]
        if to != ["wardgate"]:
            yield "the route leads elsewhere than to the service"
        return
    spec = only(documents, "Ingress").get("spec") or {}
    hosts = {it.get("host") for it in spec.get("rules", [])}
    if not hosts or None in hosts or hosts != {host for it in spec.get("tls", []) for host in it.get("hosts", [])}:
        yield "the ingress has hosts without TLS"


def networks_are_closed(documents: list[Json]) -> Iterator[str]:
    both = {"Ingress", "Egress"}
    denied = only(documents, "NetworkPolicy", "default-deny").get("spec") or {}
    closed = denied.get("podSelector") == {} and set(denied.get("policyTypes", [])) == both
    if not closed or denied.get("ingress") or denied.get("egress"):
        yield "nothing is denied by default"
    for name in ("wardgate", "wardgate-operate"):
        spec = only(documents, "NetworkPolicy", name).get("spec") or {}
        if set(spec.get("policyTypes", [])) != both:
            yield f"the policy {name} leaves a direction open"
        for it in spec.get("ingress", []) or ([{}] if name == "wardgate" else []):
            if not it.get("from") or not it.get("ports"):
                yield f"whoever wants may come in by {name}"
        for it in spec.get("egress") or [{}]:
            if not it.get("to") or not it.get("ports"):
                yield f"pods of {name} may reach whatever they want"
            for to in it.get("to", []):
                block = to.get("ipBlock") or {}
                if block.get("cidr") == "0.0.0.0/0" and "169.254.0.0/16" not in block.get("except", []):
                    yield f"pods of {name} may ask the node's metadata"


RULES = (
    everything_is_there,
    pods_are_nobody,
    containers_are_confined,
    images_do_not_change,
    resources_are_said,
    ports_and_probes_are_the_server_s,
    variables_are_known,
    rollouts_lose_nobody,
    data_is_migrated_before,
    backups_are_encrypted,
    selectors_match,
    colours_are_alike,
    people_come_in_by_tls_alone,
    networks_are_closed,
)


def broken(documents: list[Json]) -> list[str]:
    """What is wrong with a stage's manifests, by all rules."""
    return [it for rule in RULES for it in rule(documents)]

"""Our own rules for manifests (SA-17): what schemas and linters do not know of this server."""

import re
from collections.abc import Iterator

from wardgate_infra import Json
from wardgate_infra.kubernetes import facts

SELECTED = {"app.kubernetes.io/name": "wardgate", "app.kubernetes.io/component": "server"}
# What 256 requests in flight, most of which hash, need.
LEAST_MEMORY = 256 * 2**20
# One may go at any time.
LEAST_REPLICAS = 2
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


def everything_is_there(documents: list[Json]) -> Iterator[str]:
    kinds = ("ServiceAccount", "Deployment", "Service", "Ingress", "PodDisruptionBudget")
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
    spec, container = pod(documents), server(documents)
    whole, own = spec.get("securityContext") or {}, container.get("securityContext") or {}
    if whole.get("runAsNonRoot") is not True or own.get("runAsNonRoot") is False:
        yield "a pod may run as root"
    if whole.get("runAsUser") != facts.USER or whole.get("runAsGroup") != facts.USER:
        yield f"a pod is not user and group {facts.USER}, the image's"
    if whole.get("fsGroup") != facts.USER:
        yield "the mounted keys are not the group's"
    if spec.get("automountServiceAccountToken") is not False:
        yield "a pod gets a token of the API server's"


def containers_are_confined(documents: list[Json]) -> Iterator[str]:
    spec, own = pod(documents), server(documents).get("securityContext") or {}
    if at(spec, "securityContext", "seccompProfile", "type") != "RuntimeDefault":
        yield "seccomp is not the runtime's"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield "a container may gain rights"
    if at(own, "capabilities", "drop") != ["ALL"] or at(own, "capabilities", "add"):
        yield "a container has capabilities"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "a container may write to its image"
    if spec.get("hostNetwork") or spec.get("hostPID") or spec.get("hostIPC"):
        yield "a pod shares what is its node's"
    if any("hostPath" in it for it in spec.get("volumes", [])):
        yield "a pod mounts a folder of its node"


def images_do_not_change(documents: list[Json]) -> Iterator[str]:
    for it in pod(documents).get("containers", []):
        if not re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", it.get("image", "")):
            yield f"image {it.get('image')} is not by digest"


def resources_are_said(documents: list[Json]) -> Iterator[str]:
    said = server(documents).get("resources") or {}
    for kind in ("cpu", "memory"):
        asked, most = amount(at(said, "requests", kind)), amount(at(said, "limits", kind))
        if not 0 < asked <= most:
            yield f"{kind}: {asked:g} asked for, {most:g} at most"
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
    if at(given, "AUTH__TOKENS__ISSUER", "value") != f"https://{host}":
        yield f"tokens are issued by {at(given, 'AUTH__TOKENS__ISSUER', 'value')}, and people ask https://{host}"
    mounted = {it.get("mountPath"): it for it in container.get("volumeMounts", [])}
    folder = at(given, "AUTH__SECRETS__FOLDER", "value")
    if folder and not at(mounted, folder, "readOnly"):
        yield f"no keys are mounted at {folder}, for reading alone"
    modes = [at(it, "secret", "defaultMode") for it in pod(documents).get("volumes", []) if "secret" in it]
    if any(mode is None or mode & 0o337 for mode in modes):
        yield "others than the server and its group may read the keys"


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


def selectors_match(documents: list[Json]) -> Iterator[str]:
    labels = at(only(documents, "Deployment"), "spec", "template", "metadata", "labels") or {}
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
        if found and not (SELECTED.items() <= selector.items() and selector.items() <= labels.items()):
            yield f"{kind} selects {selector}, which are not the server's pods alone"


def people_come_in_by_tls_alone(documents: list[Json]) -> Iterator[str]:
    service = only(documents, "Service").get("spec") or {}
    if service.get("type", "ClusterIP") != "ClusterIP":
        yield "the service is open without the ingress"
    if [it.get("targetPort") for it in service.get("ports", [])] != ["http"]:
        yield "the service leads elsewhere than to http"
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
    spec = only(documents, "NetworkPolicy").get("spec") or {}
    if set(spec.get("policyTypes", [])) != both:
        yield "the policy leaves a direction open"
    for it in spec.get("ingress") or [{}]:
        if not it.get("from") or not it.get("ports"):
            yield "whoever wants may come in"
    for it in spec.get("egress") or [{}]:
        if not it.get("to") or not it.get("ports"):
            yield "pods may reach whatever they want"
        for to in it.get("to", []):
            block = to.get("ipBlock") or {}
            if block.get("cidr") == "0.0.0.0/0" and "169.254.0.0/16" not in block.get("except", []):
                yield "pods may ask the node's metadata"


RULES = (
    everything_is_there,
    pods_are_nobody,
    containers_are_confined,
    images_do_not_change,
    resources_are_said,
    ports_and_probes_are_the_server_s,
    variables_are_known,
    rollouts_lose_nobody,
    selectors_match,
    people_come_in_by_tls_alone,
    networks_are_closed,
)


def broken(documents: list[Json]) -> list[str]:
    """What is wrong with a stage's manifests, by all rules."""
    return [it for rule in RULES for it in rule(documents)]

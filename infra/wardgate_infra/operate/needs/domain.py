"""Whether the issuer's name leads to the API. The templates make no domain name: first-deploy.md says how."""

import datetime
import urllib.parse

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Json
from wardgate_infra.operate.needs.account import EDGE_REGION, Account, edge_stack, has_edge, origin_stack
from wardgate_infra.operate.needs.finding import Finding, Level, code
from wardgate_infra.operate.stage import Stage

# ACM lists none but RSA's shorter ones, unless it is told to.
KEY_TYPES = (
    *("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"),
    *("EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
)
# ACM begins to renew two months before.
SOON = datetime.timedelta(days=30)


def issuer(account: Account) -> Finding:
    """The issuer's domain"""
    stage = account.stage
    url = stage.parameters["Issuer"]
    host = urllib.parse.urlsplit(url).hostname
    if not host or "execute-api" in url:
        return Finding(Level.OK, f"Issuer is {url or 'empty'}: clients use the API's own execute-api address")
    if has_edge(stage):
        return behind_edge(stage, host)
    try:
        found = stage.client("apigatewayv2").get_domain_name(DomainName=host)
    except ClientError as error:
        if code(error) != "NotFoundException":
            raise
        return no_domain(stage, host)
    [configuration, *_] = found["DomainNameConfigurations"]
    wrong = []
    if configuration.get("DomainNameStatus", "AVAILABLE") != "AVAILABLE":
        wrong.append(f"{host} is {configuration['DomainNameStatus']} in API Gateway")
    wrong += wrong_certificate(stage, host, configuration.get("CertificateArn"))
    wrong += wrong_mapping(stage, host)
    if not wrong:
        mapped = "leads to the API" if account.has_stage else "has to be mapped to the API after the first deploy"
        return Finding(Level.OK, f"{host} has its certificate and {mapped}")
    target = configuration.get("ApiGatewayDomainName", "API Gateway's own name for it")
    advice = f"In API Gateway, Custom domain names, {stage.region}. {dns(stage, host, target)}"
    return Finding(Level.WARNING, "; ".join(wrong), advice)


def behind_edge(stage: Stage, host: str) -> Finding:
    """The issuer's name leads to the edge, and the edge finds the API by another one."""
    there, origin = stage.in_region(EDGE_REGION), stage.parameters["OriginDomain"]
    wrong = wrong_certificate(there, host, stage.parameters["EdgeCertificateArn"] or None)
    wrong += wrong_certificate(stage, origin, stage.parameters["OriginCertificateArn"] or None)
    if wrong:
        advice = f"In ACM: {EDGE_REGION} for {host}, {stage.region} for {origin}."
        return Finding(Level.WARNING, "; ".join(wrong), advice)
    edge, api = there.outputs(edge_stack(stage)), stage.outputs(origin_stack(stage))
    leads = [(host, edge.get("DistributionDomain")), (origin, api.get("OriginTarget"))]
    text = " and ".join(f"{name} to {target}" for name, target in leads if target)
    return Finding(Level.OK, f"certificates are there; DNS has to lead {text or 'both names, after the first deploy'}")


def no_domain(stage: Stage, host: str) -> Finding:
    """What there is to make a domain name of."""
    certificates = [it for it in listed(stage) if covers(host, it.get("SubjectAlternativeNameSummaries", []))]
    issued = next((it["CertificateArn"] for it in certificates if it["Status"] == "ISSUED"), None)
    afterwards = (
        f"Then make the custom domain name {host} in API Gateway with it, and after the first deploy map it to the "
        f"stage $default of the API. {dns(stage, host, 'the name that API Gateway gives it')}"
    )
    text = f"{host} is no custom domain name in {stage.region}: links in mails lead nowhere"
    if issued:
        return Finding(Level.WARNING, f"{text}. Its certificate is there: {issued}", afterwards)
    if certificates:
        text += f". Its certificate is {certificates[0]['Status']}"
    return Finding(
        Level.WARNING,
        text,
        f"In ACM, {stage.region}, request a public certificate for {host}, validated by DNS: minutes after its record "
        f"is there, at most 72 hours. {afterwards}",
    )


def listed(stage: Stage) -> list[Json]:
    pages = stage.client("acm").get_paginator("list_certificates").paginate(Includes={"keyTypes": KEY_TYPES})
    return [it for page in pages for it in page["CertificateSummaryList"]]


def covers(host: str, names: list[str]) -> bool:
    """Whether a certificate of these names is one of a host: a star stands for one label."""
    return host in names or f"*.{host.partition('.')[2]}" in names


def wrong_certificate(stage: Stage, host: str, arn: str | None) -> list[str]:
    """What is wrong with a certificate."""
    if arn is None:
        return [f"{host} has no certificate of ACM"]
    found = stage.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    wrong = []
    if found["Status"] != "ISSUED":
        wrong.append(f"its certificate is {found['Status']}")
    if not covers(host, found.get("SubjectAlternativeNames", [])):
        wrong.append(f"its certificate does not cover {host}")
    ends = found.get("NotAfter")
    if ends and ends < datetime.datetime.now(datetime.UTC) + SOON:
        renewal = found.get("RenewalSummary", {}).get("RenewalStatus", "not under way")
        wrong.append(f"its certificate ends on {ends:%Y-%m-%d}, and its renewal is {renewal}")
    return wrong


def wrong_mapping(stage: Stage, host: str) -> list[str]:
    """Whether the name leads to the stage's API, once there is one."""
    url = stage.outputs(stage.code_stack).get("ApiUrl")
    if url is None:
        return []
    api = (urllib.parse.urlsplit(url).hostname or "").partition(".")[0]
    mapped = [it["ApiId"] for it in stage.client("apigatewayv2").get_api_mappings(DomainName=host).get("Items", [])]
    return [] if api in mapped else [f"{host} is not mapped to the API {api}"]


def dns(stage: Stage, host: str, target: str) -> str:
    """Where the record of a name belongs, as far as can be seen."""
    try:
        pages = stage.client("route53").get_paginator("list_hosted_zones").paginate()
        names = [it["Name"].rstrip(".") for page in pages for it in page["HostedZones"]]
    except (BotoCoreError, ClientError):
        # It is only a hint.
        names = []
    zone = max((it for it in names if f".{host}".endswith(f".{it}")), key=len, default=None)
    where = f"an alias record in the hosted zone {zone} of Route 53" if zone else "a CNAME where its DNS is kept"
    return f"{host} has to lead to {target}: {where}, which takes minutes."

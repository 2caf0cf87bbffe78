//! What stands in front of the API (`infra/edge.yaml`): what it keeps, what it writes down, whom it refuses.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use wardgate::http::endpoint::Class;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::cloudformation::{API, EDGE, read, resolve, resources};
use crate::harness::repository;

const STAGES: [&str; 2] = ["infra/staging/parameters.yaml", "infra/production/parameters.yaml"];
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

fn edge(given: &[(&str, Value)]) -> Value {
    let issuer = ("Issuer", json!("https://auth.example.com"));
    let given: Vec<(&str, Value)> = given.iter().cloned().chain([issuer]).collect();
    resolve(&read(EDGE), &given)
}

fn distribution() -> Value {
    edge(&[])["Resources"]["Distribution"]["Properties"]["DistributionConfig"].clone()
}

/// Every behaviour, the default one last.
fn behaviours(distribution: &Value) -> Vec<&Value> {
    let named = distribution["CacheBehaviors"].as_array().unwrap().iter();
    named.chain([&distribution["DefaultCacheBehavior"]]).collect()
}

fn policy<'a>(template: &'a Value, reference: &Value, kind: &str) -> &'a Value {
    let id = reference["Ref"].as_str().unwrap_or_else(|| panic!("no policy of this stack: {reference}"));
    let properties = resources(template, &format!("AWS::CloudFront::{kind}"))[id];
    &properties[format!("{kind}Config")]
}

#[test]
fn sec_ed_04_keys_and_discovery_alone_are_kept_and_by_their_path_alone() {
    let (template, distribution) = (edge(&[]), distribution());
    let [public, default] = behaviours(&distribution)[..] else { panic!("another behaviour") };
    assert_eq!(public["PathPattern"], "/.well-known/*");
    assert_eq!(public["AllowedMethods"], json!(["GET", "HEAD", "OPTIONS"]));
    // Nothing of the viewer's, so that there is nothing by which answers could differ.
    assert!(public.get("OriginRequestPolicyId").is_none());
    let cache = policy(&template, &public["CachePolicyId"], "CachePolicy");
    let key = &cache["ParametersInCacheKeyAndForwardedToOrigin"];
    assert_eq!(key["CookiesConfig"], json!({ "CookieBehavior": "none" }));
    assert_eq!(key["HeadersConfig"], json!({ "HeaderBehavior": "none" }));
    assert_eq!(key["QueryStringsConfig"], json!({ "QueryStringBehavior": "none" }));
    assert_eq!((&cache["MinTTL"], &cache["DefaultTTL"], &cache["MaxTTL"]), (&json!(0), &json!(0), &json!(300)));

    assert_eq!(default["CachePolicyId"], CACHING_DISABLED);
    assert_eq!(default["OriginRequestPolicyId"], ALL_VIEWER_EXCEPT_HOST);
    let methods = BTreeSet::from(["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]);
    let allowed = default["AllowedMethods"].as_array().unwrap().iter();
    assert_eq!(allowed.map(|it| it.as_str().unwrap()).collect::<BTreeSet<_>>(), methods);
    assert_eq!(default["Compress"], false, "pages have tokens in their forms");
}

/// By default `CloudFront` keeps one for ten seconds, and one person's would be another's.
#[test]
fn sec_ed_04_no_error_is_kept() {
    let distribution = distribution();
    let kept = distribution["CustomErrorResponses"].as_array().unwrap().iter();
    let kept: BTreeSet<u64> = kept
        .map(|it| {
            assert_eq!(it.as_object().unwrap().len(), 2, "the answer stands: {it}");
            assert_eq!(it["ErrorCachingMinTTL"], 0, "{it}");
            it["ErrorCode"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(kept, BTreeSet::from([400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]));
}

#[test]
fn sec_ed_04_what_is_kept_says_the_same_to_every_origin_and_all_else_is_the_apis_to_say() {
    let (template, distribution) = (edge(&[]), distribution());
    let [public, default] = behaviours(&distribution)[..] else { panic!("another behaviour") };
    let of = |it: &Value| policy(&template, &it["ResponseHeadersPolicyId"], "ResponseHeadersPolicy").clone();
    let cors = &of(public)["CorsConfig"];
    assert_eq!(cors["AccessControlAllowOrigins"], json!({ "Items": ["*"] }));
    assert_eq!(cors["AccessControlAllowCredentials"], false);
    assert!(of(default).get("CorsConfig").is_none());
    for policy in [of(public), of(default)] {
        for (name, header) in policy["SecurityHeadersConfig"].as_object().unwrap() {
            assert_eq!(header["Override"], false, "{name}: the application's stands");
        }
        assert!(policy.get("CustomHeadersConfig").is_none() && policy.get("RemoveHeadersConfig").is_none());
    }
}

#[test]
fn sec_ed_05_the_logs_have_these_fields_and_no_others() {
    let template = edge(&[]);
    let deliveries = resources(&template, "AWS::Logs::Delivery");
    assert_eq!(deliveries.len(), 1);
    let fields = json!([
        "date",
        "time",
        "x-edge-location",
        "c-ip",
        "cs-method",
        "sc-status",
        "sc-bytes",
        "time-taken",
        "x-edge-request-id",
        "x-edge-detailed-result-type",
        "ssl-protocol",
        "cs-protocol-version",
    ]);
    assert_eq!(deliveries["AccessLogDelivery"]["RecordFields"], fields);
    // The older log has cookies and queries.
    assert!(distribution().get("Logging").is_none());

    let waf = resources(&template, "AWS::WAFv2::LoggingConfiguration");
    assert_eq!(waf.len(), 1);
    let hidden = json!([
        { "UriPath": {} },
        { "QueryString": {} },
        { "SingleHeader": { "Name": "authorization" } },
        { "SingleHeader": { "Name": "cookie" } },
        { "SingleHeader": { "Name": "referer" } },
    ]);
    assert_eq!(waf["WafLog"]["RedactedFields"], hidden);
    let filter = &waf["WafLog"]["LoggingFilter"];
    assert_eq!(filter["DefaultBehavior"], "DROP");
    let kept = json!([{ "ActionCondition": { "Action": "BLOCK" } }, { "ActionCondition": { "Action": "COUNT" } }]);
    assert_eq!(filter["Filters"][0]["Conditions"], kept);
    // Samples in the console have everything.
    assert!(!template["Resources"]["WebAcl"].to_string().contains(r#""SampledRequestsEnabled":true"#));
}

fn rules(mode: &str) -> Vec<Value> {
    let template = edge(&[("WafMode", json!(mode))]);
    let rules = template["Resources"]["WebAcl"]["Properties"]["Rules"].as_array().unwrap().clone();
    let priorities: Vec<u64> = rules.iter().map(|it| it["Priority"].as_u64().unwrap()).collect();
    assert!(priorities.is_sorted(), "they stand in their order");
    rules
}

fn rule(name: &str) -> Value {
    rules("block").into_iter().find(|it| it["Name"] == name).unwrap()
}

/// Limits by source first, then what all share: the gateway.
#[test]
fn sec_ed_06_the_rules_stand_in_this_order_and_count_before_they_refuse() {
    let order = [
        ("guessing-by-address", "Block"),
        ("guessing-by-network", "Block"),
        ("others-by-address", "Block"),
        ("reputation", "None"),
        ("body-length", "Block"),
        ("anonymous", "Count"),
    ];
    let acts = |mode: &str| -> Vec<(String, String)> {
        let act = |it: &Value| {
            let action = it.get("Action").or_else(|| it.get("OverrideAction")).unwrap().as_object().unwrap();
            (it["Name"].as_str().unwrap().to_owned(), action.keys().next().unwrap().clone())
        };
        rules(mode).iter().map(act).collect()
    };
    assert_eq!(acts("block"), order.map(|(name, action)| (name.to_owned(), action.to_owned())));
    assert_eq!(acts("count"), order.map(|(name, _)| (name.to_owned(), "Count".to_owned())));
    assert_eq!(STAGES.map(|it| read(it)["WafMode"].clone()), ["count", "block"]);
    let refusal = &rule("guessing-by-address")["Action"]["Block"]["CustomResponse"];
    assert_eq!(refusal["ResponseCode"], 429);
    assert!(refusal["ResponseHeaders"].to_string().contains(r#"{"Name":"retry-after","Value":"60"}"#));
}

/// A rule's requests in a second.
fn a_second(rule: &Value) -> f64 {
    let limit = &rule["Statement"]["RateBasedStatement"];
    limit["Limit"].as_f64().unwrap() / limit["EvaluationWindowSec"].as_f64().unwrap()
}

#[test]
fn sec_ed_06_what_all_clients_share_is_far_above_what_one_source_may_use_before_it() {
    let (address, network) = (a_second(&rule("guessing-by-address")), a_second(&rule("guessing-by-network")));
    for stage in STAGES {
        let shared = read(stage)["HashingRate"].as_f64().unwrap();
        assert!(shared >= 10.0 * address, "{stage}: {shared} of all, {address} of an address");
        assert!(shared >= 4.0 * network, "{stage}: {shared} of all, {network} of a network");
    }
    // Whoever is honest meets the API's own limit first, which says it in its words (EN-02).
    let own: toml::Table = fs::read_to_string(repository("config/default.toml")).unwrap().parse().unwrap();
    let own = &own["limits"]["login_source"];
    let seconds = own["window_seconds"].as_integer().unwrap();
    assert_eq!((seconds, own["limit"].as_integer().unwrap()), (60, 100));
    assert!(address * 60.0 > 100.0);
}

/// Those that the gateway has a throttle of their own for, by method and path, and nothing else.
#[test]
fn sec_ed_06_the_limits_on_guessing_know_every_route_that_hashes() {
    let hashing = ENDPOINTS.iter().filter(|(endpoint, _)| matches!(endpoint.class, Class::Hashing(_)));
    let expected: BTreeSet<String> = hashing.flat_map(|(it, _)| it.routes).map(ToString::to_string).collect();
    assert!(expected.contains("POST /v1/login") && expected.iter().all(|route| !route.contains('{')));
    let scoped = |name: &str| rule(name)["Statement"]["RateBasedStatement"]["ScopeDownStatement"].clone();
    let network = scoped("guessing-by-network")["AndStatement"]["Statements"].clone();
    assert!(network[0].get("IPSetReferenceStatement").is_some(), "of IPv6 alone");
    for (name, routes) in [
        ("guessing-by-address", scoped("guessing-by-address")),
        ("guessing-by-network", network[1].clone()),
        ("others-by-address", scoped("others-by-address")["NotStatement"]["Statement"].clone()),
    ] {
        let [method, paths] = &routes["AndStatement"]["Statements"].as_array().unwrap()[..] else { panic!("{name}") };
        let method = method["ByteMatchStatement"]["SearchString"].as_str().unwrap();
        let expression = paths["RegexMatchStatement"]["RegexString"].as_str().unwrap();
        // WAF's limit; and no path has a character that an expression takes for another.
        assert!(expression.len() <= 512, "{name}: {}", expression.len());
        let paths = expression.strip_prefix("^(").unwrap().strip_suffix(")$").unwrap();
        assert!(paths.chars().all(|it| it.is_ascii_alphanumeric() || "/-|".contains(it)), "{name}: {paths}");
        assert_eq!(
            paths.split('|').map(|path| format!("{method} {path}")).collect::<BTreeSet<_>>(),
            expected,
            "{name}"
        );
    }
    let api = resolve(&read(API), &[]);
    let throttled = api["Resources"]["Api"]["Properties"]["RouteSettings"].as_object().unwrap().keys();
    assert_eq!(throttled.cloned().collect::<BTreeSet<_>>(), expected);
    let v6 = &edge(&[])["Resources"]["IpV6"]["Properties"];
    assert_eq!((&v6["Addresses"], &v6["IPAddressVersion"]), (&json!(["::/1", "8000::/1"]), &json!("IPV6")));
}

/// A password may be any text. Managed groups that look into bodies are none of ours, and those that are go by address.
#[test]
fn sec_ed_07_no_rule_looks_into_a_body_for_more_than_its_length() {
    let mut bodies = 0;
    for rule in rules("block") {
        let text = rule.to_string();
        if text.contains("Body\":") && text.contains("FieldToMatch") && text.contains("OversizeHandling") {
            bodies += 1;
            let statement = &rule["Statement"]["SizeConstraintStatement"];
            assert_eq!((&statement["ComparisonOperator"], &statement["Size"]), (&json!("GT"), &json!(16_384)));
        }
        assert!(!text.contains("JsonBody"), "{text}");
        if let Some(group) = rule["Statement"].get("ManagedRuleGroupStatement") {
            let by_address = ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList"];
            assert!(by_address.contains(&group["Name"].as_str().unwrap()), "{group}");
        }
    }
    assert_eq!(bodies, 1);
}

/// The way to the origin: over TLS alone, with a secret that no template knows, and with an address of the edge's own word.
#[test]
fn sec_pl_05_the_edge_shows_its_secret_and_says_whose_address_it_is() {
    let distribution = distribution();
    let origins = distribution["Origins"].as_array().unwrap();
    assert_eq!(origins.len(), 1);
    assert_eq!(origins[0]["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only");
    assert_eq!(origins[0]["CustomOriginConfig"]["OriginSSLProtocols"], json!(["TLSv1.2"]));
    let header = &origins[0]["OriginCustomHeaders"][0];
    assert_eq!(header["HeaderName"], "x-wardgate-edge");
    assert_eq!(header["HeaderValue"], "{{resolve:secretsmanager:${Secret}:SecretString}}");
    let version = "0a1b2c3d-0000-0000-0000-000000000000";
    let later = edge(&[("SecretVersion", json!(version))]);
    let header = later.pointer("/Resources/Distribution/Properties/DistributionConfig/Origins/0/OriginCustomHeaders/0");
    let named = format!("{{{{resolve:secretsmanager:${{Secret}}:SecretString:::{version}}}}}");
    assert_eq!(header.unwrap()["HeaderValue"], named);
    let secret = &later["Resources"]["Secret"]["Properties"];
    assert_eq!(secret["GenerateSecretString"], json!({ "PasswordLength": 64, "ExcludePunctuation": true }));
    assert!(secret.get("SecretString").is_none());

    let [public, default] = behaviours(&distribution)[..] else { panic!("another behaviour") };
    for behaviour in [public, default] {
        assert_eq!(behaviour["ViewerProtocolPolicy"], "https-only");
    }
    let function = json!({ "Fn::GetAtt": "ViewerFunction.FunctionARN" });
    let expected = json!([{ "EventType": "viewer-request", "FunctionARN": function }]);
    assert_eq!(default["FunctionAssociations"], expected);
    let certificate = &distribution["ViewerCertificate"];
    assert_eq!(certificate["MinimumProtocolVersion"], "TLSv1.2_2021");
    assert_eq!(distribution["Aliases"], json!(["auth.example.com"]));
}

/// As `edge/` has them: the template carries no copy that somebody could change alone. `CloudFront` takes ten KB.
#[test]
fn functions_of_the_edge_are_those_of_the_repository_and_small_enough() {
    let template = edge(&[]);
    for (id, file) in [("DenyFunction", "edge/deny.js"), ("ViewerFunction", "edge/viewer.js")] {
        let code = template["Resources"][id]["Properties"]["FunctionCode"].as_str().unwrap();
        assert_eq!(code.trim(), fs::read_to_string(repository(file)).unwrap().trim(), "{id}");
        assert!(code.len() <= 10_240, "{id}: {} bytes", code.len());
    }
    let store = &template["Resources"]["DenyFunction"]["Properties"]["FunctionConfig"]["KeyValueStoreAssociations"];
    assert_eq!(*store, json!([{ "KeyValueStoreARN": { "Fn::GetAtt": "Store.Arn" } }]));
    // On our own API it would refuse who signs out with a dead token.
    assert!(!distribution().to_string().contains("DenyFunction"));
}

/// Who signs out or refreshes sends a dead token along, and whoever refuses that signs people out for good.
#[test]
fn sec_ed_16_no_check_of_tokens_stands_before_the_api() {
    let distribution = distribution();
    for behaviour in behaviours(&distribution) {
        for function in behaviour["FunctionAssociations"].as_array().into_iter().flatten() {
            assert_eq!(function["FunctionARN"], json!({ "Fn::GetAtt": "ViewerFunction.FunctionARN" }), "{behaviour}");
        }
        assert!(behaviour.get("LambdaFunctionAssociations").is_none(), "{behaviour}");
    }
    // What stands there reads nothing of a request, and refuses none.
    let code = edge(&[])["Resources"]["ViewerFunction"]["Properties"]["FunctionCode"].as_str().unwrap().to_lowercase();
    for part in ["authorization", "cookie", "statuscode", "kvs"] {
        assert!(!code.contains(part), "{part}: {code}");
    }
    let paths: BTreeSet<String> = ENDPOINTS.iter().map(|(endpoint, _)| endpoint.path().to_owned()).collect();
    assert!(["/v1/logout", "/v1/token/refresh"].iter().all(|path| paths.contains(*path)), "{paths:?}");
}

/// Behind the edge the API has no address of its own, and beside it both.
#[test]
fn sec_pl_05_behind_the_edge_there_is_no_other_way_to_the_api() {
    let api = |edge: &str| resolve(&read(API), &[("Edge", json!(edge)), ("EdgeDigests", json!("0".repeat(64)))]);
    for (edge, is_disabled) in [("off", false), ("beside", false), ("on", true)] {
        let api = api(edge);
        let body = &api["Resources"]["Api"]["Properties"]["DefinitionBody"];
        let endpoint = &body["x-amazon-apigateway-endpoint-configuration"];
        assert_eq!(endpoint["disableExecuteApiEndpoint"], is_disabled, "{edge}");
        let variables = &api["Globals"]["Function"]["Environment"]["Variables"];
        assert_eq!(variables["AUTH__HTTP__EDGE_ONLY"].as_str(), (edge == "beside").then_some("false"), "{edge}");
        assert_eq!(variables["AUTH__HTTP__EDGE_DIGESTS"], format!("[\"{}\"]", "0".repeat(64)));
    }
    let origin = resolve(&read("infra/origin.yaml"), &[("OriginDomain", json!("origin.auth.example.com"))]);
    let (name, mapping) = (&origin["Resources"]["Name"]["Properties"], &origin["Resources"]["Mapping"]["Properties"]);
    assert_eq!(
        (&name["DomainName"], &mapping["DomainName"]),
        (&json!("origin.auth.example.com"), &json!({ "Ref": "Name" }))
    );
    assert_eq!(name["DomainNameConfigurations"][0]["SecurityPolicy"], "TLS_1_2");
    assert_eq!(mapping["ApiId"], json!({ "Fn::ImportValue": "wardgate-development-api" }));
    let off = resolve(&read(API), &[]);
    assert!(off["Globals"]["Function"]["Environment"]["Variables"].get("AUTH__HTTP__EDGE_DIGESTS").is_none());
    assert_eq!(STAGES.map(|it| read(it)["Edge"].clone()), ["off", "off"]);
}

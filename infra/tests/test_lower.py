"""What becomes of a template for the emulator."""

import unittest

from wardgate_infra import Json
from wardgate_infra.emulator import lower

INTEGRATION = {"httpMethod": "POST", "uri": "arn", "payloadFormatVersion": "2.0"}


def template(**resources: Json) -> Json:
    return {"Parameters": {}, "Resources": resources}


def api(paths: Json, **more: Json) -> Json:
    """The resources that an API with these paths becomes."""
    body = {"info": {"title": "wardgate"}, "paths": paths, **more}
    resources = {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body, "FailOnWarnings": True}}}
    return lower.lower(template(**resources), {"Stage": "staging"})["Resources"]


def role(**statement: Json) -> Json:
    """What a role's statement becomes."""
    properties = {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}
    lower.lower_role(properties)
    return properties["Policies"][0]["PolicyDocument"]["Statement"][0]


class Resources(unittest.TestCase):
    def test_what_the_emulator_does_not_know_is_left_out_and_nothing_else(self) -> None:
        kept = {"Type": "AWS::SQS::Queue", "Properties": {}}
        absent = {f"Absent{number}": {"Type": kind} for number, kind in enumerate(sorted(lower.ABSENT))}
        self.assertEqual(lower.lower(template(Queue=kept, **absent), {})["Resources"], {"Queue": kept})

    def test_a_condition_has_the_region_that_its_stack_is_made_in(self) -> None:
        asked = {"IsHome": {"Fn::Not": [{"Fn::Equals": [{"Ref": "StandbyRegion"}, {"Ref": "AWS::Region"}]}]}}
        lowered = lower.lower(template() | {"Conditions": asked}, {}, "eu-west-1")["Conditions"]
        self.assertEqual(lowered, {"IsHome": {"Fn::Not": [{"Fn::Equals": [{"Ref": "StandbyRegion"}, "eu-west-1"]}]}})
        self.assertNotEqual(lower.api_id("staging"), lower.api_id("staging", "eu-west-1"))

    def test_an_alias_has_its_version_at_once(self) -> None:
        alias = {"Type": "AWS::Lambda::Alias", "UpdatePolicy": {}, "Properties": {"Name": "live"}}
        lowered = lower.lower(template(Alias=alias), {})["Resources"]["Alias"]
        self.assertEqual(lowered, {"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live"}})

    def test_a_parameter_that_is_a_list_is_one(self) -> None:
        declared = {
            "Origins": {"Type": "CommaDelimitedList", "Default": "a,b"},
            "Stage": {"Type": "String", "Default": "development"},
        }
        found = lower.parameters({"Parameters": declared}, {"Stage": "staging"})
        self.assertEqual(found, {"Origins": ["a", "b"], "Stage": "staging"})


class Alarms(unittest.TestCase):
    def test_an_alarm_on_an_expression_keeps_its_metric_and_never_rings(self) -> None:
        stat = {"Metric": {"MetricName": "errors"}, "Period": 60, "Stat": "Sum"}
        alarm = {"Metrics": [{"Expression": "a / b"}, {"MetricStat": stat}], "ThresholdMetricId": "band"}
        lower.lower_alarm(alarm)
        self.assertEqual(alarm["MetricName"], "errors")
        self.assertEqual((alarm["Statistic"], alarm["Threshold"]), ("Sum", 1_000_000_000))
        self.assertFalse({"Metrics", "ThresholdMetricId"} & alarm.keys())

    def test_an_alarm_on_one_metric_stays(self) -> None:
        alarm = {"MetricName": "errors", "Threshold": 1}
        lower.lower_alarm(alarm)
        self.assertEqual(alarm, {"MetricName": "errors", "Threshold": 1})


class Rights(unittest.TestCase):
    def test_a_condition_that_never_holds_here_goes_and_others_stay(self) -> None:
        conditions = {
            "StringEquals": {"cloudformation:RoleArn": "role"},
            "StringLike": {"cloudformation:RoleArn": "role", "aws:RequestedRegion": "eu"},
        }
        policy = {"PolicyDocument": {"Statement": [{"Condition": conditions}, {}]}}
        lower.lower_policy(policy)
        [first, second] = policy["PolicyDocument"]["Statement"]
        self.assertEqual(first, {"Condition": {"StringLike": {"aws:RequestedRegion": "eu"}}})
        self.assertEqual(second, {})

    def test_sending_is_sending_in_batches_too(self) -> None:
        self.assertEqual(role(Action="sqs:SendMessage")["Action"], ["sqs:SendMessage", "sqs:SendMessageBatch"])

    def test_mails_are_sent_from_anywhere(self) -> None:
        sends = role(
            Action=["ses:SendEmail"], Resource=["identity"], Condition={"StringLike": {"ses:FromAddress": "it"}}
        )
        self.assertEqual(sends, {"Action": ["ses:SendEmail"], "Resource": "*"})

    def test_smoke_reaches_functions_without_a_version_whether_it_names_one_or_several(self) -> None:
        named = role(Action="lambda:InvokeFunction", Resource={"Fn::Sub": "function:wardgate-${Stage}-*:*"})
        self.assertEqual(named["Resource"], [{"Fn::Sub": "function:wardgate-${Stage}-*"}])
        called = role(Action="lambda:InvokeFunction", Resource=[{"Fn::Sub": "function:me:*"}, {"Ref": "Other"}])
        self.assertEqual(called["Resource"], [{"Fn::Sub": "function:me"}])

    def test_who_may_ask_for_one_list_may_for_each(self) -> None:
        asked = {"Action": ["cloudfront-keyvaluestore:GetKey"], "Resource": {"Ref": "EdgeStoreArn"}}
        self.assertEqual(role(**asked)["Resource"], "*")
        boundary = {"PolicyDocument": {"Statement": [asked | {"Resource": "arn"}]}}
        lower.lower_policy(boundary)
        self.assertEqual(boundary["PolicyDocument"]["Statement"][0]["Resource"], "*")

    def test_other_rights_stay(self) -> None:
        self.assertEqual(role(Action="kms:Decrypt", Resource="key"), {"Action": "kms:Decrypt", "Resource": "key"})


class Routes(unittest.TestCase):
    def test_a_path_of_the_body_is_a_route_with_its_integration(self) -> None:
        operation = {"x-amazon-apigateway-integration": INTEGRATION, "responses": {}, "parameters": []}
        resources = api({"/v1/me": {"get": operation}})
        route = resources["ApiGetV1MeRoute"]["Properties"]
        self.assertEqual(route["RouteKey"], "GET /v1/me")
        self.assertEqual(route["Target"], {"Fn::Join": ["/", ["integrations", {"Ref": "ApiGetV1MeIntegration"}]]})
        self.assertEqual(resources["ApiGetV1MeIntegration"]["Properties"]["IntegrationUri"], "arn")
        self.assertNotIn("AuthorizationType", route)
        self.assertEqual(resources["Api"]["Properties"]["Tags"], {"ms-custom-id": "wardgate-staging"})

    def test_a_route_of_every_method_is_called_any(self) -> None:
        resources = api({"/x": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": INTEGRATION}}})
        self.assertEqual(resources["ApiAnyXRoute"]["Properties"]["RouteKey"], "ANY /x")

    def test_what_nothing_lowers_stops_the_deploy(self) -> None:
        operation = {"x-amazon-apigateway-integration": INTEGRATION, "x-new": True}
        with self.assertRaisesRegex(ValueError, "nothing here lowers x-new"):
            api({"/x": {"get": operation}})
        with self.assertRaisesRegex(ValueError, "not a method"):
            api({"/x": {"trace": {"x-amazon-apigateway-integration": INTEGRATION}}})


class Authorizers(unittest.TestCase):
    def test_an_authorizer_of_the_body_is_a_resource(self) -> None:
        scheme = {"type": "jwt", "identitySource": "$request.header.Authorization"}
        scheme_with_issuer = scheme | {"jwtConfiguration": {"issuer": "i", "audience": ["a"]}}
        lowered = lower.lower_authorizer("Jwt", "Api", scheme_with_issuer)["Properties"]
        self.assertEqual((lowered["AuthorizerType"], lowered["ApiId"]), ("JWT", {"Ref": "Api"}))
        self.assertEqual(lowered["IdentitySource"], ["$request.header.Authorization"])
        self.assertEqual(lowered["JwtConfiguration"], {"Issuer": "i", "Audience": ["a"]})

    def test_a_route_with_scopes_asks_for_a_jwt_and_one_without_asks_a_function(self) -> None:
        self.assertEqual(lower.lower_security([], "Api"), {})
        reference = {"AuthorizerId": {"Ref": "ApiA"}}
        asked = lower.lower_security([{"A": ["account"]}], "Api")
        self.assertEqual(asked, reference | {"AuthorizationType": "JWT", "AuthorizationScopes": ["account"]})
        self.assertEqual(lower.lower_security([{"A": []}], "Api"), reference | {"AuthorizationType": "CUSTOM"})

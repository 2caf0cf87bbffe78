"""Answers with who is calling. Whoever gets here has been let in; what is left to decide is what belongs to whom."""

import json


def handler(event, _context):
    body = {"route": event["routeKey"], **caller(event["requestContext"]["authorizer"])}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def caller(authorizer):
    """The user, as either authorizer says it. `sub` is what to keep with your data: an address can change, this cannot."""
    if "lambda" in authorizer:
        # Wardgate's: strings, and lists separated by spaces.
        context = authorizer["lambda"]
        return {"user": context["sub"], "session": context["sid"], "scopes": context["scope"].split()}
    # API Gateway's own: every claim of the token as a string.
    claims = authorizer["jwt"]["claims"]
    # An application's tokens have a grant in the place of a session.
    session = claims.get("sid") or claims.get("gid")
    return {"user": claims["sub"], "session": session, "scopes": claims["scope"].split()}

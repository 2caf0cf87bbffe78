import type { NextRequest } from "next/server";
import { to } from "../../lib/answers";
import { cookie, NAMES, open } from "../../lib/session";
import { ADDRESS } from "../../lib/settings";
import { revoke } from "../../lib/wardgate";

export async function POST(request: NextRequest) {
  // Of this application's own pages alone. Another port of localhost, or another name of the same site, sends the cookie, too.
  if (request.headers.get("origin") !== ADDRESS) return to("/");
  const session = await open("session", request.cookies.get(NAMES.session)?.value);
  // The cookie is gone from this browser in any case; a copy of it is worth nothing once its access token has run out.
  if (session) await revoke(session).catch(console.error);
  const response = to("/?said=out");
  response.cookies.set(cookie("session", ""));
  return response;
}

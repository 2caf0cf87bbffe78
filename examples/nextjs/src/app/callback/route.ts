import type { NextRequest } from "next/server";
import { to } from "../../lib/answers";
import { cookie, NAMES, open, seal } from "../../lib/session";
import { finish, why } from "../../lib/wardgate";

export async function GET(request: NextRequest) {
  const { searchParams } = request.nextUrl;
  const started = await open("started", request.cookies.get(NAMES.started)?.value);
  if (!started || searchParams.get("state") !== started.state) {
    // Reloaded, for example, or opened a second time by the button "back".
    const session = await open("session", request.cookies.get(NAMES.session)?.value);
    return to(session ? "/" : "/?said=late");
  }
  let response;
  try {
    const session = await seal("session", await finish(searchParams, started));
    response = to("/");
    response.cookies.set(session);
  } catch (error) {
    response = to(`/?said=${why(error)}`);
  }
  response.cookies.set(cookie("started", ""));
  return response;
}

// Before each page: when the access token has run out, another. It is here because a page cannot set cookies while it renders.

import { NextResponse, type NextRequest } from "next/server";
import { to } from "./lib/answers";
import { cookie, NAMES, open, seal } from "./lib/session";
import { isOver, renew } from "./lib/wardgate";

export async function proxy(request: NextRequest) {
  const session = await open("session", request.cookies.get(NAMES.session)?.value);
  // A moment earlier than it is refused, so that it lasts for what it is used for.
  if (!session || Date.now() < session.until - 10_000) return NextResponse.next();
  try {
    const renewed = await seal("session", await renew(session));
    // For the page that renders now, and for the browser.
    request.cookies.set(renewed.name, renewed.value);
    const response = NextResponse.next({ request: { headers: request.headers } });
    response.cookies.set(renewed);
    return response;
  } catch (error) {
    if (isOver(error)) {
      const response = to("/?said=ended");
      response.cookies.set(cookie("session", ""));
      return response;
    }
    // Wardgate does not answer: whoever is signed in stays so. What needs a fresh token will say that it has none.
    console.error(error);
    return NextResponse.next();
  }
}

export const config = { matcher: ["/((?!_next/|sign-in|callback|sign-out).*)"] };

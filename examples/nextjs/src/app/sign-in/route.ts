import { NextResponse, type NextRequest } from "next/server";
import { to } from "../../lib/answers";
import { seal } from "../../lib/session";
import { begin, why } from "../../lib/wardgate";

export async function GET(request: NextRequest) {
  // Asks for a password although somebody is signed in: it may be somebody else.
  const more = request.nextUrl.searchParams.get("as") === "another" ? { prompt: "login" } : {};
  try {
    const { url, started } = await begin(more);
    const response = NextResponse.redirect(url, 303);
    response.cookies.set(await seal("started", started));
    return response;
  } catch (error) {
    return to(`/?said=${why(error)}`);
  }
}

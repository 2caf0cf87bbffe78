// What a person reads; the console has the rest.

import { ErrorResponse } from "oidc-client-ts";
import type { useAuth } from "react-oidc-context";
import { API, ISSUER } from "./settings";

type AuthError = NonNullable<ReturnType<typeof useAuth>["error"]>;

/** Of an error of signing in, and whether the session at Wardgate has ended: that is refused for good, anything else may pass. */
export function words(error: AuthError): { text: string; isOver: boolean } {
  console.error(error);
  const cause = error.innerError;
  if (cause instanceof ErrorResponse) {
    if (cause.error === "access_denied") return { text: "The sign-in was cancelled.", isOver: false };
    if (cause.error === "invalid_grant") return { text: "Your sign-in has ended. Please sign in again.", isOver: true };
    return { text: cause.error_description ?? `Wardgate has refused that: ${cause.error}.`, isOver: false };
  }
  if (cause instanceof TypeError) return { text: `Nobody answers at ${ISSUER}. Is “make run” running?`, isOver: false };
  if (/No matching state/.test(error.message)) {
    return { text: "This browser has not begun this sign-in, or too long ago.", isOver: false };
  }
  return { text: "Something went wrong. Please try again.", isOver: false };
}

/** Asks the API of one's own, and says what came of it. */
export async function ask(accessToken: string): Promise<{ text: string; bad?: boolean }> {
  try {
    const answer = await fetch(`${API}/orders`, { headers: { Authorization: `Bearer ${accessToken}` } });
    if (!answer.ok) return { text: `The API has refused that: ${answer.status}.`, bad: true };
    const { user, orders } = await answer.json() as { user: string; orders: unknown[] };
    return { text: `The API knows ${user}, who has ${orders.length || "no"} orders.` };
  } catch (error) {
    console.error(error);
    // A page is told the same of a server that is not there and of one that does not list its origin.
    const answers = await fetch(API, { mode: "no-cors" }).then(() => true, () => false);
    return {
      text: answers
        ? `${API} answers, and not to pages of ${location.origin}: its ALLOWED_ORIGIN is another.`
        : `Nobody answers at ${API}. Is “make node-lambda” running?`,
      bad: true,
    };
  }
}

import { cookies } from "next/headers";
import { NAMES, open, type Session } from "../lib/session";
import { ISSUER } from "../lib/settings";

const SAID: Record<string, string> = {
  cancelled: "The sign-in was cancelled.",
  ended: "Your sign-in has ended. Please sign in again.",
  late: "This browser has not begun this sign-in, or did so too long ago.",
  out: "You are signed out of this application. Your browser is still signed in to Wardgate.",
  refused: "That did not work. Please try again.",
  unreachable: `Nobody answers at ${ISSUER}. Is “make run” running?`,
};

export default async function Page({ searchParams }: { searchParams: Promise<{ said?: string | string[] }> }) {
  const { said } = await searchParams;
  const news = typeof said === "string" && Object.hasOwn(SAID, said) ? SAID[said] : undefined;
  const session = await open("session", (await cookies()).get(NAMES.session)?.value);
  return (
    <>
      <header className="brand">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <rect width="24" height="24" rx="6" fill="currentColor" />
          <path d="M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z" fill="#fff" />
        </svg>
        <span>Demo in Next.js</span>
        {session && <form method="post" action="/sign-out"><button className="plain">Sign out</button></form>}
      </header>
      <main>
        {news && !session && <p id="message" role="status" className={said === "out" ? "" : "bad"}>{news}</p>}
        {session ? <SignedIn session={session} /> : <SignedOut />}
      </main>
    </>
  );
}

function SignedIn({ session }: { session: Session }) {
  return (
    <>
      <h1>Hello, {session.name ?? session.email}</h1>
      <dl className="account">
        <dt>Name</dt><dd>{session.name ?? "none"}</dd>
        <dt>Email</dt><dd>{session.email}{session.emailVerified ? "" : " (not confirmed)"}</dd>
        <dt>Subject, which never changes</dt><dd><code>{session.sub}</code></dd>
        <dt>Signed in to Wardgate</dt><dd><Time ms={session.signedInAt * 1000} /></dd>
        <dt>Access token until</dt><dd><Time ms={session.until} /></dd>
      </dl>
      <p className="quiet">After that, the next page that is opened renews it.</p>
    </>
  );
}

// Links and not <Link>, which would fetch them before anybody has clicked: a sign-in that nobody asked for.
function SignedOut() {
  return (
    <>
      <h1>Welcome</h1>
      <p>This application has no passwords. Wardgate signs you in, and tells it who you are.</p>
      <a className="button" href="/sign-in">Sign in</a>
      <a className="button second after" href="/sign-in?as=another">Sign in as somebody else</a>
    </>
  );
}

function Time({ ms }: { ms: number }) {
  const date = new Date(ms);
  return <time dateTime={date.toISOString()}>{date.toUTCString()}</time>;
}

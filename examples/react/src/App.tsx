import { useEffect, useState } from "react";
import { hasAuthParams, useAuth } from "react-oidc-context";
import { ask, words } from "./words";

interface News {
  text: string;
  bad?: boolean;
}

export function App() {
  const auth = useAuth();
  const [news, setNews] = useState<News>();

  // An answer is good for once: out of the address, whether it was a good one or not.
  useEffect(() => {
    if (!auth.isLoading && hasAuthParams()) history.replaceState(null, "", location.pathname);
  }, [auth.isLoading]);

  // A minute before an access token runs out the library renews it. One that ran out while the computer slept is renewed here.
  useEffect(() => {
    if (auth.user?.expired && !auth.isLoading && !auth.error) void auth.signinSilent();
  }, [auth]);

  const { error, removeUser } = auth;
  useEffect(() => {
    if (!error) return;
    const { text, isOver } = words(error);
    setNews({ text, bad: true });
    if (isOver) void removeUser();
  }, [error, removeUser]);

  async function signOut() {
    // What this page had is worth nothing any more, wherever somebody has copied it to. Signed out here it is in any case.
    await auth.revokeTokens(["refresh_token"]).catch(console.error);
    await auth.removeUser();
    setNews({ text: "You are signed out of this page. Your browser is still signed in to Wardgate." });
  }

  async function renew() {
    if (await auth.signinSilent()) setNews({ text: "There is a new access token." });
  }

  const signIn = (prompt?: string) => void auth.signinRedirect(prompt ? { prompt } : undefined);
  const user = auth.isAuthenticated ? auth.user : undefined;

  return (
    <>
      <header className="brand">
        <Mark />
        <span>Demo in React</span>
        {user && <button type="button" className="plain" onClick={() => void signOut()}>Sign out</button>}
      </header>
      <main>
        <p id="message" role="status" className={news?.bad ? "bad" : ""}>{news?.text}</p>
        {user ? (
          <>
            <h1>Hello, {user.profile.name ?? user.profile.email}</h1>
            <dl className="account">
              <dt>Name</dt><dd>{user.profile.name ?? "none"}</dd>
              <dt>Email</dt><dd>{user.profile.email}{user.profile.email_verified ? "" : " (not confirmed)"}</dd>
              <dt>Subject, which never changes</dt><dd><code>{user.profile.sub}</code></dd>
              <dt>Access token until</dt><dd><Until seconds={user.expires_at ?? 0} /></dd>
            </dl>
            <button type="button" onClick={() => void ask(user.access_token).then(setNews)}>Ask the API</button>
            <button type="button" className="second" onClick={() => void renew()}>Renew the token now</button>
          </>
        ) : auth.isLoading ? (
          <h1>One moment</h1>
        ) : (
          <>
            <h1>Welcome</h1>
            <p>This page has no passwords. Wardgate signs you in, and tells it who you are.</p>
            <button type="button" onClick={() => signIn()}>Sign in</button>
            <button type="button" className="second" onClick={() => signIn("login")}>Sign in as somebody else</button>
          </>
        )}
      </main>
    </>
  );
}

function Until({ seconds }: { seconds: number }) {
  const date = new Date(seconds * 1000);
  return <time dateTime={date.toISOString()}>{date.toLocaleTimeString("en")}</time>;
}

const Mark = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <rect width="24" height="24" rx="6" fill="currentColor" />
    <path d="M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z" fill="#fff" />
  </svg>
);

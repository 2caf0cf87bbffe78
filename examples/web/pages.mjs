// The pages. What is put into one is text, never markup.

const escaped = (text) => String(text).replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`);

class Markup extends String {}

function html(parts, ...values) {
  const one = (value) => (value instanceof Markup ? value : escaped(value ?? ""));
  return new Markup(parts.reduce((text, part, index) => text + one(values[index - 1]) + part));
}

const page = (title, main, { signOut = html`` } = {}) => `<!doctype html>${html`
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="theme-color" content="#eef1f6" media="(prefers-color-scheme: light)">
  <meta name="theme-color" content="#0f1115" media="(prefers-color-scheme: dark)">
  <title>${title} – Demo on a server</title>
  <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' height='24' rx='6' fill='%231f4fc9'/%3E%3Cpath d='M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z' fill='%23fff'/%3E%3C/svg%3E">
  <link rel="stylesheet" href="/style.css">
</head>
<body>
  <header class="brand">
    <svg viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="6" fill="currentColor"/><path d="M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z" fill="#fff"/></svg>
    <span>Demo on a server</span>
    ${signOut}
  </header>
  <main>
    ${main}
  </main>
</body>
</html>`}
`;

export function signedOut({ just = false } = {}) {
  return page(just ? "Signed out" : "Welcome", html`<h1>${just ? "You are signed out" : "Welcome"}</h1>
    <p>${just
      ? "Of this application. Your browser is still signed in to Wardgate: signing in again may ask for nothing."
      : "This application has no passwords. Wardgate signs you in, and tells it who you are."}</p>
    <a class="button" href="/sign-in">Sign in</a>
    ${just ? html`<a class="button second after" href="/sign-in?as=another">Sign in as somebody else</a>` : html``}`);
}

export function signedIn({ person, signedInAt, tokens }) {
  const time = (date) => html`<time datetime="${date.toISOString()}">${date.toUTCString()}</time>`;
  return page("Signed in", html`<h1>Hello, ${person.name ?? person.email}</h1>
    <dl class="account">
      <dt>Name</dt><dd>${person.name ?? "none"}</dd>
      <dt>Email</dt><dd>${person.email}${person.email_verified ? "" : " (not confirmed)"}</dd>
      <dt>Subject, which never changes</dt><dd><code>${person.sub}</code></dd>
      <dt>Signed in to Wardgate</dt><dd>${time(signedInAt)}</dd>
      <dt>Access token until</dt><dd>${time(new Date(tokens.until))}</dd>
    </dl>
    <p class="quiet">After that, this page refreshes it when it is next opened.</p>`,
  { signOut: html`<form method="post" action="/sign-out"><button class="plain">Sign out</button></form>` });
}

export function problem({ title, message, code, again, label }) {
  return page(title, html`<h1>${title}</h1>
    <p role="alert">${message}</p>
    ${code ? html`<p class="quiet">Error: <code>${code}</code></p>` : html``}
    <a class="button" href="${again}">${label}</a>`);
}

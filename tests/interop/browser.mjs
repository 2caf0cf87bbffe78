// A browser without JavaScript, for applications that sign people in over HTTP.

import { request } from "node:http";
import { text } from "node:stream/consumers";

/** It keeps cookies, follows redirects, and fills in the form that it is shown. */
export class Browser {
  cookies = new Map();

  constructor(issuer, email, password) {
    Object.assign(this, { issuer, email, password });
  }

  /** Not by fetch, which says that it is a script: pages refuse that. */
  ask(url, { method = "GET", body = "", headers = {} } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = { accept: "text/html", ...headers, ...(cookie && { cookie }) };
    return new Promise((resolve, reject) => {
      const asked = request(url, { method, headers: sent }, (answer) => {
        for (const set of answer.headers["set-cookie"] ?? []) {
          const [name, value] = set.split(";")[0].split("=");
          this.cookies.set(name, value);
        }
        resolve({ status: answer.statusCode, location: answer.headers.location, text: () => text(answer) });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  /** Goes on until it is sent to the application; gives the address. */
  async signIn(url, redirectUri) {
    let answer = await this.ask(url);
    for (let steps = 0; steps < 10; steps += 1) {
      const { location } = answer;
      if (location) {
        if (location.startsWith(redirectUri)) return new URL(location);
        answer = await this.ask(new URL(location, this.issuer));
        continue;
      }
      const html = await answer.text();
      if (answer.status !== 200) throw new Error(`${answer.status}: ${html}`);
      // The way of a form ends at a page that leads on.
      const [, onward] = html.match(/<meta http-equiv="refresh" content="0; url=([^"]*)">/) ?? [];
      if (onward) return new URL(onward.replaceAll("&#x2f;", "/").replaceAll("&amp;", "&"));
      const fields = new URLSearchParams();
      const [form] = html.split("</form>");
      for (const [, name, value] of form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
        fields.set(name, value);
      }
      fields.set("email", this.email);
      fields.set("password", this.password);
      const [, action] = form.match(/<form method="post" action="([^"]*)"/);
      answer = await this.ask(new URL(action, this.issuer), {
        method: "POST",
        body: fields.toString(),
        headers: { origin: this.issuer, "content-type": "application/x-www-form-urlencoded" },
      });
    }
    throw new Error("it is sent around in circles");
  }
}

const { PORT = "3003" } = process.env;

/** Where browsers find this application. Never `request.url`: behind a proxy or on Lambda that is another address. */
export const ADDRESS = process.env.ADDRESS ?? `http://localhost:${PORT}`;
/** Where Wardgate is. */
export const ISSUER = process.env.ISSUER ?? "http://localhost:8080";
export const CLIENT_ID = process.env.CLIENT_ID ?? "demo-web";
export const CLIENT_SECRET = process.env.CLIENT_SECRET ?? "wgcs_demo-web-of-stage-development";
export const REDIRECT_URI = `${ADDRESS}/callback`;

/** Only on a laptop is anything but https possible. */
export const IS_SECURE = ADDRESS.startsWith("https:");

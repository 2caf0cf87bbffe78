import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const { PORT = "3002", ISSUER = "http://localhost:8080", API = "http://localhost:3004" } = process.env;

// The port that the client is registered with, or none.
const host = { host: "localhost", port: Number(PORT), strictPort: true };

export default defineConfig({
  plugins: [react()],
  define: {
    "import.meta.env.VITE_ISSUER": JSON.stringify(ISSUER),
    "import.meta.env.VITE_API": JSON.stringify(API),
  },
  server: host,
  preview: {
    ...host,
    // What whoever serves dist/ has to send: no other's script may read the tokens, or send them elsewhere.
    headers: {
      "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; " +
        `connect-src ${ISSUER} ${API}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
      // The address has a code in it for a moment.
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
    },
  },
});

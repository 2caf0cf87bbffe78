import type { NextConfig } from "next";

const config: NextConfig = {
  // This folder stands alone; Next.js would look for a lock file above it.
  turbopack: { root: import.meta.dirname },
  devIndicators: false,
  poweredByHeader: false,
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "Content-Security-Policy", value: "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'" },
        // The callback's address has a code in it.
        { key: "Referrer-Policy", value: "same-origin" },
        { key: "X-Content-Type-Options", value: "nosniff" },
      ],
    },
  ],
};

export default config;

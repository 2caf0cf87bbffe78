import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import "./style.css";

const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' height='24' rx='6' fill='%231f4fc9'/%3E%3Cpath d='M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z' fill='%23fff'/%3E%3C/svg%3E";

export const metadata: Metadata = { title: "Demo in Next.js", icons: { icon } };
export const viewport: Viewport = {
  colorScheme: "light dark",
  themeColor: [
    { color: "#eef1f6", media: "(prefers-color-scheme: light)" },
    { color: "#0f1115", media: "(prefers-color-scheme: dark)" },
  ],
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { AuthProvider } from "react-oidc-context";
import { App } from "./App";
import { API, ISSUER } from "./settings";
import "./style.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <AuthProvider
      authority={ISSUER}
      client_id="demo-react"
      redirect_uri={`${location.origin}/`}
      // The access token is for that API and for nothing else; the ID token says who it is.
      resource={API}
      scope="openid profile email orders:read"
    >
      <App />
    </AuthProvider>
  </StrictMode>,
);

/** Where Wardgate is, and the API of one's own: vite.config.ts has both from the environment. */
export const ISSUER: string = import.meta.env.VITE_ISSUER;
export const API: string = import.meta.env.VITE_API;

import { NextResponse } from "next/server";
import { ADDRESS } from "./settings";

/** To a page of this application; a GET, whatever it was before. */
export const to = (path: string) => NextResponse.redirect(`${ADDRESS}${path}`, 303);

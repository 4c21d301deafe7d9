// A program that is compiled for a bundler, or with the module resolution of
// older versions of TypeScript.
import { Byline, type Profile } from "@byline-api/client";

export async function profile(): Promise<Profile> {
  return new Byline("http://byline.test").profiles.get("jake");
}

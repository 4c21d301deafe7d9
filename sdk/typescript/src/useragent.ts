import { version } from "./generated/version.js";

interface Process {
  arch?: string;
  platform?: string;
  versions?: Record<string, string>;
}

/**
 * Returns the User-Agent, such as `byline-typescript/1.2.0 (node 22.1.0;
 * linux/x64) blog/1.2`. Browsers send their own, and would ask the service for
 * permission to send another one.
 */
export function userAgent(app: string | undefined): string | undefined {
  const { process } = globalThis as { process?: Process };
  const runtime = ["deno", "bun", "node"].find((name) => process?.versions?.[name]);
  if (!process?.versions || !runtime || "document" in globalThis) return undefined;
  const system = `${process.platform}/${process.arch}`;
  const agent = `byline-typescript/${version} (${runtime} ${process.versions[runtime]}; ${system})`;
  return app ? `${agent} ${app}` : agent;
}

import { version } from "./generated/version.js";

interface Process {
  arch?: string;
  platform?: string;
  version?: string;
  versions?: { node?: string };
}

/**
 * Returns the User-Agent, such as `byline-typescript/1.2.0 (node 22.1.0;
 * linux/x64) blog/1.2`. Browsers send their own, and would ask the service for
 * permission to send another one.
 */
export function userAgent(app: string | undefined): string | undefined {
  const { process } = globalThis as { process?: Process };
  const node = process?.versions?.node;
  if (!process || !node || "document" in globalThis) return undefined;
  const agent = `byline-typescript/${version} (node ${node}; ${process.platform}/${process.arch})`;
  return app ? `${agent} ${app}` : agent;
}

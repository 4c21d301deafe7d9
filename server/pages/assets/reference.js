// Everything that would ask another origin is off: fonts, telemetry, the
// request proxy, the hosted client, the agent and MCP. The page's policy would
// refuse it anyway.
//
// This script is <base path>/docs/assets/reference.<hash>.js.
Scalar.createApiReference('#reference', {
  url: new URL('../../openapi.json', document.currentScript.src).href,
  proxyUrl: '',
  telemetry: false,
  withDefaultFonts: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true, hideAddApi: true },
  mcp: { disabled: true },
  externalUrls: { dashboardUrl: '', registryUrl: '', proxyUrl: '', apiBaseUrl: '' },
  persistAuth: false,
  authentication: { preferredSecurityScheme: 'Bearer' },
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  documentDownloadType: 'none',
  modelsSectionLabel: 'Schemas',
  showOperationId: true,
  theme: 'none',
});

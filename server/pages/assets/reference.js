// The samples are those of the SDKs and of curl. Scalar shows the first one, or
// the one that the reader chose at the last visit. Those for other clients are
// hidden, because readers took the Python among them for the SDK.
const hiddenClients = [
  'c', 'clojure', 'csharp', 'dart', 'fsharp', 'go', 'http', 'java', 'js', 'julia', 'kotlin', 'node', 'objc', 'ocaml',
  'php', 'powershell', 'python', 'r', 'ruby', 'rust', 'shell/wget', 'shell/httpie', 'swift',
];

// Everything that would ask another origin is off: fonts, telemetry, the
// request proxy, the hosted client, the agent and MCP. The page's policy would
// refuse it anyway.
const configuration = {
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
  hiddenClients,
  documentDownloadType: 'none',
  modelsSectionLabel: 'Schemas',
  showOperationId: true,
  theme: 'none',
  // Without a token, Scalar would send an empty one, which the service takes
  // for an invalid one.
  onBeforeRequest: ({ requestBuilder }) => {
    requestBuilder.security = requestBuilder.security.filter((scheme) => scheme.value)
  },
};

// The user of the examples gets another name at each visit, because a name can
// be registered only once.
const name = 'jake' + Math.random().toString(36).slice(2, 7);

// content returns the document with this name.
function content(text) {
  const document = JSON.parse(text.replaceAll('"jake"', `"${name}"`).replaceAll('"jake@jake.jake"', `"${name}@example.com"`));
  document.paths['/users'].post.description += '\n\nThis page proposes a new name each time that it is loaded. ' +
    'To register a second user with "Test Request", change the name and the address.';
  return document;
}

const loading = document.querySelector('.loading');

fetch(document.getElementById('document').href)
  .then((response) => response.text())
  .then((text) => Scalar.createApiReference('#reference', {
    ...configuration,
    content: content(text),
    onLoaded: () => loading.remove(),
  }));

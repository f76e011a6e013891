// Opens GraphiQL on the address this page came from, with the editor for headers in sight: that is where a token
// goes. Headers are not persisted, so that no token stays behind in the browser.
const query = `# Put your API token into "Headers" below, then press Ctrl-Enter.
{
  api {
    version
    capabilities
  }
  auth_info {
    tenant_id
    api_token_scope
  }
}
`;

ReactDOM.createRoot(document.getElementById("explorer")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: window.location.pathname }),
    defaultQuery: query,
    defaultHeaders: '{\n  "Authorization": "Bearer "\n}',
    defaultEditorToolsVisibility: "headers",
    shouldPersistHeaders: false,
  }),
);

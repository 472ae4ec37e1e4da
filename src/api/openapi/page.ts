/** Nothing but what this server has: no inline script or style, no other place, and nobody frames it. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** What Swagger UI stands in. It needs no key: it has nothing of this node, and asks for one. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Concordata, the inward API</title>
<link rel="stylesheet" href="/explorer/swagger-ui.css">
<link rel="stylesheet" href="/explorer/page.css">
</head>
<body>
<form id="who">
<label>Key <input id="key" type="password" autocomplete="off" spellcheck="false" required></label>
<label>Contract <input id="contract" autocomplete="off" spellcheck="false" placeholder="UID, or none: the whole service"></label>
<button>Show</button>
<output id="said"></output>
</form>
<div id="api"></div>
<script src="/explorer/swagger-ui-bundle.js"></script>
<script src="/explorer/page.js"></script>
</body>
</html>
`

export const PAGE_STYLE = `body { margin: 0; font-family: sans-serif; }
#who { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; padding: 0.75rem 1.5rem; background: #1b1b1b; color: #fff; }
#who input { margin-left: 0.5rem; padding: 0.4rem; min-width: 18rem; }
#who button { padding: 0.45rem 1.2rem; }
`

/** The key stays in the memory of the page. Nothing is sent to where else than this server: no validator, no font. */
export const PAGE_SCRIPT = `'use strict'
const at = (id) => document.getElementById(id)
at('who').addEventListener('submit', async (event) => {
  event.preventDefault()
  const key = at('key').value.trim()
  const contract = at('contract').value.trim()
  const headers = { authorization: 'Bearer ' + key }
  const path = contract === '' ? '/openapi.json' : '/openapi/' + encodeURIComponent(contract) + '.json'
  try {
    const answer = await fetch(path, { headers })
    const spec = await answer.json()
    at('said').textContent = answer.ok ? '' : spec.code + ': ' + spec.detail
    if (!answer.ok) return
    SwaggerUIBundle({
      domNode: at('api'),
      spec,
      validatorUrl: null,
      docExpansion: 'none',
      displayOperationId: true,
      defaultModelsExpandDepth: -1,
      requestInterceptor(request) {
        if (new URL(request.url, location.href).origin === location.origin) request.headers.authorization = headers.authorization
        return request
      },
    })
  } catch (error) {
    at('said').textContent = String(error)
  }
})
`

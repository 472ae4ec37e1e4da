/** The URL of a place in a document; `path`: names with slashes between, as a person types them. */
export function placeOf(uid: string, path: string): string {
  return ['/new-api', encodeURIComponent(uid), ...stepsOf(path)].join('/')
}

/** The same as the API has it in a body or a query: its names escaped. */
export function pathIn(path: string): string {
  return stepsOf(path).join('/')
}

function stepsOf(path: string): string[] {
  return path
    .split('/')
    .filter((step) => step !== '')
    .map(encodeURIComponent)
}

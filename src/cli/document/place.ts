/** The URL of a place in a document; `path`: names with slashes between, as a person types them. */
export function placeOf(uid: string, path: string): string {
  const steps = path.split('/').filter((step) => step !== '')
  return ['', 'new-api', uid, ...steps].map(encodeURIComponent).join('/')
}

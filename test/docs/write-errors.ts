import { writeFile } from 'node:fs/promises'
import { adviceAstray, errorsDocument } from './errors-document.ts'

const astray = adviceAstray()
if (astray.length > 0) throw new Error(astray.join('\n'))
await writeFile(new URL('../../docs/errors.md', import.meta.url), errorsDocument())

import { obstacleCodes, obstacleKinds } from '../../src/contracts/obstacles/obstacles.ts'

const BEGIN = '<!-- obstacles: from src/contracts/obstacles/obstacles.ts, by test/docs/write-obstacles.ts -->\n'
const END = '<!-- end of obstacles -->\n'

/** The page with the table of obstacles as it must be. */
export function withObstacles(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const [, after] = rest?.split(END) ?? []
  if (before === undefined || after === undefined) throw new Error('the page has no place for the table of obstacles')
  const rows = obstacleCodes.map((code) => {
    const { meaning, remedy, elsewhere } = obstacleKinds[code]
    return `| \`${code}\` | ${meaning} | ${remedy} | ${elsewhere === null ? 'nothing' : `\`${elsewhere}\``} |\n`
  })
  const head = '| `code` | what it means | what to do | what other members see |\n|---|---|---|---|\n'
  return [before, BEGIN, head, ...rows, END, after].join('')
}

import { parser } from '@prometheus-io/lezer-promql'

const strict = parser.configure({ strict: true })

/** What an expression asks for: metric names, and the labels that it selects or groups by. Throws where it is no PromQL. */
export function readExpression(expression: string): { readonly metrics: string[]; readonly labels: string[] } {
  const metrics: string[] = []
  const labels: string[] = []
  strict.parse(expression).iterate({
    enter({ name, from, to }) {
      const text = expression.slice(from, to)
      if (name === 'Identifier') metrics.push(text)
      if (name === 'LabelName') labels.push(text)
    },
  })
  return { metrics, labels }
}

import { Option } from 'commander'

/** Where a node keeps its data. */
export function dataOption(): Option {
  return new Option('--data <dir>', 'the data directory of the node').makeOptionMandatory()
}

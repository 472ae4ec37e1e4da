/**
 * Stands in all that the inward API answers to HTTP. Where it is missing from what has succeeded, another program is at that address, and
 * nothing has been done.
 */
export const NODE_HEADER = 'concordata-node'

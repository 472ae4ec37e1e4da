/** Less free space than the first is little; less than the second is as good as none. Bytes. */
export const DISK_WARNING_BYTES = 1024 ** 3
export const DISK_ERROR_BYTES = 100 * 1024 ** 2

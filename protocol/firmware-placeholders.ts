/** What stands in a job's document where the address of an image will be. A node never sees one: only the cloud imports this. */

/**
 * Stands in a job's document for the address of an image, which is signed when a node asks for the document: nobody has to
 * know how long a job will lie before it is taken. As on AWS IoT, where it is written otherwise:
 * https://docs.aws.amazon.com/iot/latest/developerguide/create-manage-jobs.html ("Presigned URLs")
 * @param path "VERSION/BOARD/FILE"
 */
export function firmwarePlaceholder(path: string): string {
	return `\${thinghz:firmware:${path}}`;
}

const PLACEHOLDER = /\$\{thinghz:firmware:([^{}"\\]{1,200})\}/g;

/** @param replace what takes the place of each placeholder, given its path */
export function replaceFirmwarePlaceholders(
	text: string,
	replace: (path: string) => string,
): string {
	return text.replace(PLACEHOLDER, (_, path: string) => replace(path));
}

/** Small text files in the node's folder. */
import files from "embedded:storage/files";

export function isFile(path: string): boolean {
	return files.status(path).isFile();
}

/** @returns undefined when there is no such file */
export function readText(path: string): string | undefined {
	if (!isFile(path)) return undefined;
	const file = files.openFile({ path, mode: "r" });
	try {
		const { size } = file.status();
		return size === 0 ? "" : String.fromArrayBuffer(file.read(size, 0));
	} finally {
		file.close();
	}
}

/** Durable when it returns. */
export function writeText(path: string, text: string): void {
	const file = files.openFile({ path, mode: "w" });
	try {
		file.write(ArrayBuffer.fromString(text), 0);
		file.flush();
	} finally {
		file.close();
	}
}

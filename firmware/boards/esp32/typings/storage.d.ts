// biome-ignore-all lint/style/noDefaultExport: the modules that are described here have default exports.
/** Moddable's storage, modules/io/storage of SDK 8.2; `@moddable/typings` 5.6 lacks them. */
declare module "embedded:storage/flash" {
	export interface Flash {
		/** Into a new buffer of `byteLength` bytes. */
		read(byteLength: number, byteOffset: number): ArrayBuffer;
		/** Fills the buffer. @returns how many bytes that were */
		read(into: ArrayBuffer | ArrayBufferView, byteOffset: number): number;
		/** Clears bits only. */
		write(bytes: ArrayBuffer | ArrayBufferView, byteOffset: number): void;
		/** Erases the blocks `start` … `end` − 1; without `end`, one. */
		eraseBlock(start: number, end?: number): void;
		status(): {
			/** bytes */
			readonly size: number;
			/** Bytes that are erased at once. */
			readonly blockLength: number;
			readonly blocks: number;
		};
		close(): void;
	}

	const FlashStorage: {
		/** @param options.path a data partition's label; "running" and "nextota" are the application slots */
		open(options: { path: string; mode?: "r" | "r+" }): Flash;
		[Symbol.iterator](): IterableIterator<string>;
	};

	export { FlashStorage as default };
}

declare module "embedded:storage/files" {
	export interface Status {
		readonly size: number;
		isFile(): boolean;
		isDirectory(): boolean;
	}

	export interface File {
		read(count: number, position: number): ArrayBuffer;
		read(into: ArrayBuffer | ArrayBufferView, position: number): number;
		write(bytes: ArrayBuffer | ArrayBufferView, position: number): void;
		status(): Status;
		setSize(length: number): void;
		flush(): void;
		close(): void;
	}

	export interface Directory {
		openFile(options: { path: string; mode?: "r" | "r+" | "w" | "w+" }): File;
		openDirectory(options: { path: string }): Directory;
		createDirectory(path: string): boolean;
		delete(path: string): boolean;
		move(from: string, to: string, toDirectory?: Directory): void;
		status(path: string): Status;
		scan(path?: string): IterableIterator<string>;
		close(): void;
	}

	/** The root of the file system. */
	const files: Directory;

	export { files as default };
}

/** What is used of `s3rver` 3, which comes without types. */
declare module "s3rver" {
	import type { AddressInfo } from "node:net";

	class S3rver {
		constructor(options: {
			readonly address: string;
			readonly port: number;
			readonly directory: string;
			readonly silent: boolean;
		});
		run(): Promise<AddressInfo>;
		close(): Promise<void>;
	}
	export = S3rver;
}

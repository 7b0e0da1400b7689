import { BAD_ARITHMETIC } from "./bad-arithmetic.ts";
import { BAD_PATHS } from "./bad-paths.ts";
import { BAD_SERVERS } from "./bad-servers.ts";
import { BAD_STRUCTURES } from "./bad-structures.ts";
import type { Case } from "./case.ts";

export const BAD_CASES: readonly Case[] = [
	...BAD_PATHS,
	...BAD_SERVERS,
	...BAD_STRUCTURES,
	...BAD_ARITHMETIC,
];

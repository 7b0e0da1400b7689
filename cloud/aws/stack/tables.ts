/** The two tables of `cloud/aws/tables.ts`, and who may do what with them. */
import { RemovalPolicy } from "aws-cdk-lib";
import {
	AttributeType,
	BillingMode,
	type ITable,
	ProjectionType,
	StreamViewType,
	Table,
	TableEncryption,
} from "aws-cdk-lib/aws-dynamodb";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";
import {
	BLOCKS_TABLE,
	type KeyAttribute,
	type KeyType,
	RECORDS_TABLE,
	type TableDefinition,
} from "../tables.ts";

export interface TablesProps {
	/** Whether deleting a table is refused until that is switched off. */
	readonly protect: boolean;
}

/**
 * On demand, since a fleet's writes are even and cheap and capacity that is provisioned has to be watched. Encrypted with
 * DynamoDB's own key: one of ours would cost $1 a month and a request each time.
 */
export class Tables extends Construct {
	readonly blocks: DataTable;
	readonly records: DataTable;

	constructor(scope: Construct, id: string, { protect }: TablesProps) {
		super(scope, id);
		this.blocks = new DataTable(this, "Blocks", {
			name: "blocks",
			definition: BLOCKS_TABLE,
			protect,
		});
		this.records = new DataTable(this, "Records", {
			name: "records",
			definition: RECORDS_TABLE,
			protect,
		});
	}
}

interface DataTableProps extends TablesProps {
	readonly name: string;
	readonly definition: TableDefinition;
}

/** What a function does with a table. Scanning is in neither: no access of ours needs it. */
export type TableAccess = "read" | "write";

const READ = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"];
const WRITE = [
	"dynamodb:DeleteItem",
	"dynamodb:PutItem",
	"dynamodb:UpdateItem",
];

export class DataTable extends Construct {
	readonly table: Table;
	readonly #indexes: readonly string[];

	constructor(scope: Construct, id: string, props: DataTableProps) {
		super(scope, id);
		const { definition, name, protect } = props;
		this.table = new Table(this, "Table", {
			tableName: `${STACK_NAME}-${name}`,
			partitionKey: attribute(definition.partitionKey),
			sortKey: attribute(definition.sortKey),
			timeToLiveAttribute: definition.ttlAttribute,
			stream: StreamViewType[definition.streamView],
			billingMode: BillingMode.PAY_PER_REQUEST,
			encryption: TableEncryption.DEFAULT,
			pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
			deletionProtection: protect,
			removalPolicy: RemovalPolicy.RETAIN,
		});
		for (const index of definition.indexes) {
			this.table.addGlobalSecondaryIndex({
				indexName: index.name,
				partitionKey: attribute(index.partitionKey),
				sortKey: attribute(index.sortKey),
				...(index.include.length === 0
					? { projectionType: ProjectionType.KEYS_ONLY }
					: {
							projectionType: ProjectionType.INCLUDE,
							nonKeyAttributes: [...index.include],
						}),
			});
		}
		this.#indexes = definition.indexes.map((index) => index.name);
	}

	/** As the source of events. (CDK's own type of a table is no `ITable` under exactOptionalPropertyTypes.) */
	get stream(): ITable {
		return this.table as ITable;
	}

	allow(grantee: IGrantable, access: TableAccess): void {
		const { tableArn } = this.table;
		grantee.grantPrincipal.addToPrincipalPolicy(
			new PolicyStatement({
				actions: access === "read" ? READ : [...READ, ...WRITE],
				resources: [tableArn],
			}),
		);
		if (this.#indexes.length === 0) return;
		grantee.grantPrincipal.addToPrincipalPolicy(
			new PolicyStatement({
				actions: ["dynamodb:Query"],
				resources: this.#indexes.map((name) => `${tableArn}/index/${name}`),
			}),
		);
	}
}

const TYPES: Readonly<Record<KeyType, AttributeType>> = {
	S: AttributeType.STRING,
	N: AttributeType.NUMBER,
	B: AttributeType.BINARY,
};

function attribute({ name, type }: KeyAttribute) {
	return { name, type: TYPES[type] };
}

export declare function own(name: string): string

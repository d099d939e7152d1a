import { memoryMeteringCatalogue } from '../../../test/support/metering-catalogue-harness.ts';
import { meteringCatalogueContract } from '../../ports/metering-catalogue.contract.ts';

meteringCatalogueContract('memory', memoryMeteringCatalogue, memoryMeteringCatalogue);

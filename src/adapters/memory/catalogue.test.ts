import { memoryCatalogue } from '../../../test/support/catalogue-harness.ts';
import { catalogueContract } from '../../ports/catalogue.contract.ts';

catalogueContract('memory', memoryCatalogue, memoryCatalogue);

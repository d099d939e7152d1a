import { memoryRatingBook } from '../../../test/support/rating-harness.ts';
import { ratingBookContract } from '../../ports/rating-book.contract.ts';

ratingBookContract('memory', memoryRatingBook, memoryRatingBook);

"""Networks on many chips: accuracy, uncertainty, corrections applied at deployment."""

from neft.evaluation.batchnorm import Recalibration
from neft.evaluation.deployment import Deployment
from neft.evaluation.drift import DriftCompensation
from neft.evaluation.estimate import AccuracyEstimate, estimate_accuracy
from neft.evaluation.estimated_grid import estimate_grid
from neft.evaluation.grid import Condition, Evaluation, evaluate_grid
from neft.evaluation.periphery import logits_with_periphery
from neft.evaluation.trained import load_trained, trained_networks
from neft.evaluation.uncertainty import OverChips
from neft.evaluation.write_verify import RANKINGS, WriteVerify

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Audits;

/// <summary>Compares metrics.jsonl with what the ledger adds up to, bit for bit: both add the same sums in the same order.</summary>
/// <param name="epochs">The ledger's whole epochs.</param>
/// <param name="losses">The mean loss of each of its steps.</param>
internal sealed class MetricsCheck(IReadOnlyList<GradientTotals> epochs, IReadOnlyList<double> losses)
{
    private int epoch;
    private long step;
    private bool cut;

    /// <summary>A figure that differs from what a ledger's sums give; null if none does.</summary>
    public static string? Compare(SplitMetrics? told, GradientTotals totals)
    {
        double loss = totals.LossSum / totals.Rows, accuracy = (double)totals.Correct / totals.Rows;
        return told is null ? "has no figures of the training rows"
            : !SameBits(told.Loss, loss) ? $"has the loss {Text(told.Loss)} on the training rows; the ledger gives {Text(loss)}"
            : told.Accuracy is { } share && !SameBits(share, accuracy) ? $"has the accuracy {Text(share)} on the training rows; the ledger gives {Text(accuracy)}"
            : null;
    }

    /// <summary>Enters a line; says what is wrong with it, if anything.</summary>
    public string? Enter(string line)
    {
        if (cut)
        {
            return "follows a line that is cut short";
        }

        try
        {
            JsonNode? node = JsonNode.Parse(line);
            return node?["kind"]?.GetValue<string>() switch
            {
                "epoch" => Enter(node.Deserialize<EpochMetrics>(RunOptionsJson.Settings)!),
                "step" => Enter(node.Deserialize<StepMetrics>(RunOptionsJson.Settings)!),
                var kind => $"is of kind '{kind}'; expected epoch or step",
            };
        }
        catch (JsonException)
        {
            // The last line of a run that was killed may be cut short; any other may not.
            cut = true;
            return null;
        }
    }

    /// <summary>What is missing at the end, if anything.</summary>
    /// <param name="unfinished">Whether the run may have been killed: then what was not handed to the system yet is not there.</param>
    public string? End(bool unfinished)
    {
        if (cut && !unfinished)
        {
            return "its last line is cut short, but the run has ended";
        }

        // An epoch is written once it is evaluated, a while after its last step.
        int least = unfinished ? epochs.Count - 1 : epochs.Count;
        return epoch < least ? $"has {epoch} epochs, the ledger {epochs.Count}" : null;
    }

    private static bool SameBits(double left, double right) => BitConverter.DoubleToInt64Bits(left) == BitConverter.DoubleToInt64Bits(right);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private string? Enter(EpochMetrics metrics)
    {
        epoch++;
        if (metrics.Epoch != epoch)
        {
            return $"expected epoch {epoch}, found epoch {metrics.Epoch}";
        }

        if (epoch > epochs.Count)
        {
            return $"epoch {epoch} is finished; the ledger has {epochs.Count} whole epochs in {losses.Count} steps";
        }

        return Compare(metrics.Train, epochs[epoch - 1]) is { } problem ? $"epoch {epoch} {problem}" : null;
    }

    /// <summary>Steps are compared where they are: lines of a process that was killed may be missing, and a resumed run may have been told to leave them out.</summary>
    private string? Enter(StepMetrics metrics)
    {
        if (metrics.Step <= step)
        {
            return $"is of step {metrics.Step}, but follows step {step}";
        }

        step = metrics.Step;
        return step > losses.Count ? $"step {step} is beyond the ledger, which has {losses.Count}"
            : !SameBits(metrics.Loss, losses[(int)step - 1]) ? $"step {step} has the loss {Text(metrics.Loss)}; the ledger gives {Text(losses[(int)step - 1])}"
            : null;
    }
}

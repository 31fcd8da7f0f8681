namespace ActorMlp.Training.Ledgers;

/// <summary>The keys of ledger lines; docs/audit.md says what each means. Those of steps are one letter, as there may be millions.</summary>
internal static class LedgerKeys
{
    public const string Step = "s";
    public const string View = "v";
    public const string Epoch = "e";
    public const string Rows = "n";
    public const string LossSum = "l";
    public const string Correct = "k";
    public const string Counted = "c";
    public const string Duplicates = "d";
    public const string Redealt = "r";
    public const string Verified = "y";
    public const string InVain = "w";

    public const string Start = "start";
    public const string Run = "run";
    public const string TrainingRows = "rows";
    public const string StepsPerEpoch = "stepsPerEpoch";
    public const string Epochs = "epochs";

    public const string Members = "members";

    public const string ViewStands = "view";
    public const string Shares = "shards";

    public const string Rewind = "rewind";
    public const string From = "from";
    public const string Reason = "why";
}

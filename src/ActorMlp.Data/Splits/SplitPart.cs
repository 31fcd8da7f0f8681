namespace ActorMlp.Data.Splits;

/// <summary>What a row of the training file is for.</summary>
public enum SplitPart : byte
{
    /// <summary>To train on.</summary>
    Training,

    /// <summary>To choose the model on.</summary>
    Validation,

    /// <summary>To test the model on.</summary>
    Test,
}
